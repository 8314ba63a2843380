/*-------------------------------------------------------------------------
 *
 * crc32c.c
 *		CRC-32C (Castagnoli polynomial, reflected), eight bytes a step.
 *
 * Kounavis and Berry: A systematic approach to building high performance
 * software-based CRC generators, ISCC 2005 (slicing by 8).  The tables are made
 * on the stack in a few microseconds: nothing global, nothing to initialise.
 *
 *-------------------------------------------------------------------------
 */
#include "artifact.h"

#define POLYNOMIAL UINT32_C(0x82F63B78)

uint32_t
aug_crc32c(uint32_t crc, const uint8_t *bytes, size_t length)
{
	uint32_t table[8][256];

	for (uint32_t i = 0; i < 256; i++)
	{
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = (c >> 1) ^ (POLYNOMIAL & (0 - (c & 1)));
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
	{
		for (int k = 1; k < 8; k++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 255];
	}

	crc = ~crc;
	for (; length >= 8; bytes += 8, length -= 8)
	{
		crc ^= (uint32_t) bytes[0] | (uint32_t) bytes[1] << 8 | (uint32_t) bytes[2] << 16 |
			   (uint32_t) bytes[3] << 24;
		crc = table[7][crc & 255] ^ table[6][(crc >> 8) & 255] ^ table[5][(crc >> 16) & 255] ^
			  table[4][crc >> 24] ^ table[3][bytes[4]] ^ table[2][bytes[5]] ^ table[1][bytes[6]] ^
			  table[0][bytes[7]];
	}
	for (; length > 0; bytes++, length--)
		crc = (crc >> 8) ^ table[0][(crc ^ *bytes) & 255];
	return ~crc;
}
