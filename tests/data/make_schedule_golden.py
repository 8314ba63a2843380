#!/usr/bin/env python3
"""Golden slots of cron schedules around days on which clocks change.

    pip install cronsim tzdata
    python3 tests/data/make_schedule_golden.py > tests/data/schedule_golden.csv

Rows: schedule, zone, point in time, the next slots after it (five, or those of 1500 days), all in
UTC.  Two answers are compared: that of cronsim (https://github.com/cuu508/cronsim), which follows
Debian's cron, and that of a walk over every minute with Python's zoneinfo.  cronsim steps by hours
of 60 minutes, and so misses slots where a clock moves by 30: in zones of LORD the walk is taken
when they differ; elsewhere such a row would be left out, and there is none.  Times that fall into
one gap are several slots there, and one here.  It takes some minutes.
"""
import csv
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim

UTC = timezone.utc
LORD = {"Australia/Lord_Howe"}
# zone: days in UTC, shortly before clocks change
ZONES = {
    "Europe/Berlin": ["2024-03-30 20:10", "2024-10-26 20:10", "2024-10-27 00:15", "2024-10-27 01:15"],
    "America/New_York": ["2024-03-09 20:00", "2024-03-10 06:59", "2024-11-02 20:10", "2024-11-03 06:10"],
    "Australia/Lord_Howe": ["2024-04-06 10:00", "2024-04-06 14:40", "2024-10-05 10:00"],
    "America/Santiago": ["2024-04-06 20:00", "2024-09-07 20:00"],
    "Africa/Casablanca": ["2024-03-09 20:00", "2024-04-13 20:00"],
    "Asia/Kathmandu": ["2024-02-28 10:00"],
    "Pacific/Apia": ["2011-12-29 08:00"],
    "UTC": ["2024-02-28 23:59", "2023-12-31 23:30"],
}
SCHEDULES = """
*/15 * * * *
0 * * * *
30 * * * *
*/10 2 * * *
*/7 1-2 * * *
5 */2 * * *
0 2 * * *
30 2 * * *
15,45 1,2,3 * * *
30 1-3 * * *
0 0 * * *
59 23 * * *
10 0 * * *
0 9-17/4 * * mon-fri
0 6 1,15 * *
0 6 1,15 * mon
0 6 */2 * mon
0 0 L * *
30 2 L feb,mar,oct *
0 12 29 2 *
0 4 * * sun
0 4 * * 7
0 4 * * 5L
0 4 * * tue#2
20 5 * 4-10/3 sat,sun
0 3 31 * *
15 14 13 * fri
*/20 0-1 * mar,oct,nov *
1-59/2 2 * * *
0,30 2 * mar sun
""".strip().splitlines()
NAMES = {"month": "jan feb mar apr may jun jul aug sep oct nov dec".split(),
         "dow": "sun mon tue wed thu fri sat".split()}


def values(field, low, high, names=()):
    plain, special = set(), []
    for item in field.lower().split(","):
        if item == "l" or item.endswith("l") and item[:-1].isdigit() or "#" in item:
            special.append(item)
            continue
        for i, name in enumerate(names):
            item = item.replace(name, str(i + low))
        span, _, step = item.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        plain.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return plain, special


def month_length(day):
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def matcher(schedule):
    f = schedule.split()
    minutes, hours = values(f[0], 0, 59)[0], values(f[1], 0, 23)[0]
    days, last = values(f[2], 1, 31)
    months = values(f[3], 1, 12, NAMES["month"])[0]
    weekdays, nth = values(f[4], 0, 7, NAMES["dow"])
    star = f[2][0] == "*" or f[4][0] == "*"

    def day_matches(t):
        by_day = t.day in days or bool(last) and t.day == month_length(t)
        weekday = t.isoweekday() % 7
        by_weekday = weekday in weekdays or weekday == 0 and 7 in weekdays
        for item in nth:
            name, _, n = item.partition("#")
            which = NAMES["dow"].index(name) if name in NAMES["dow"] else int(name.rstrip("l"))
            if weekday == which % 7:
                by_weekday |= (t.day + 6) // 7 == int(n) if n else t.day + 7 > month_length(t)
        return by_day and by_weekday if star else by_day or by_weekday

    return lambda t: (t.minute in minutes and t.hour in hours and t.month in months
                      and day_matches(t)), f[0][0] == "*" or f[1][0] == "*"


def walk(schedule, zone, after, n):
    """Every minute: of the clock for fixed times, of time elapsed for the others."""
    match, elapsed = matcher(schedule)
    found = []
    if elapsed:
        t = after.replace(second=0) + timedelta(minutes=1)
        while len(found) < n and t < after + timedelta(days=1500):
            if match(t.astimezone(zone)):
                found.append(t)
            t += timedelta(minutes=1)
        return found
    local = after.astimezone(zone).replace(tzinfo=None, second=0) - timedelta(days=2)
    while len(found) < n and local.replace(tzinfo=UTC) < after + timedelta(days=1500):
        local += timedelta(minutes=1)
        if not match(local):
            continue
        t = local.replace(tzinfo=zone).astimezone(UTC)
        if t.astimezone(zone).replace(tzinfo=None) != local:
            # the clock does not show it: the first minute after it that it does
            later = local
            while later.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != later:
                later += timedelta(minutes=1)
            t = later.replace(tzinfo=zone).astimezone(UTC)
        if t > after and (not found or t > found[-1]):
            found.append(t)
    return found


def cron(schedule, zone, after, n):
    found, it = [], iter(CronSim(schedule, after.astimezone(zone)))
    while len(found) < n:
        t = next(it).astimezone(UTC)
        if t > after and (not found or t > found[-1]):
            found.append(t)
    return found


out = csv.writer(sys.stdout, lineterminator="\n")
alike = differ = 0
for zone, days in ZONES.items():
    for day in days:
        after = datetime.fromisoformat(day).replace(tzinfo=UTC)
        for schedule in SCHEDULES:
            walked = walk(schedule, ZoneInfo(zone), after, 5)
            there = cron(schedule, ZoneInfo(zone), after, len(walked))
            if walked == there:
                alike += 1
            else:
                differ += 1
                print(f"differ: {schedule} {zone} {day}\n  {walked}\n  {there}", file=sys.stderr)
                if zone not in LORD:
                    continue
            slots = ",".join(t.strftime("%Y-%m-%d %H:%M") for t in walked)
            out.writerow([schedule, zone, day, "{" + slots + "}"])
print(f"{alike} alike, {differ} differ", file=sys.stderr)
