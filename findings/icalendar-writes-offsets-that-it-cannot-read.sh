#!/usr/bin/env bash
# icalendar 7.3.2 (PyPI) and ical.js 2.2.1 (npm), found on 29 November 2026 with Python 3.11 and Node.js 20.
#
# Expected: an event that begins at 10:00+02:00, a time as datetime.fromisoformat() reads it from an answer of a web API, is
# written as 08:00 UTC, because the format knows UTC, names of zones and floating times, and no bare offsets. In any
# case whoever reads the calendar finds the same moment.
# Seen: DTSTART gets the parameter TZID="UTC+02:00". No such zone exists, and add_missing_timezones() does not define it.
# icalendar itself then reads a time without a zone, and ical.js a floating one: the moment is lost. DTSTAMP of the same
# event is converted to UTC.
#
# Output seen:
#   DTSTART;TZID="UTC+02:00":20261129T100000
#   DTSTAMP:20261129T080000Z
#   VTIMEZONE: 0
#   icalendar reads: 2026-11-29T10:00:00, zone None
#   ical.js reads: 2026-11-29T10:00:00, zone floating
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet icalendar==7.3.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ical.js@2.2.1

cat >try.py <<'PY'
from datetime import datetime
from pathlib import Path

from icalendar import Calendar, Event

moment = datetime.fromisoformat("2026-11-29T10:00:00+02:00")
event = Event()
event.add("uid", "1")
event.add("dtstart", moment)
event.add("dtstamp", moment)
calendar = Calendar.new(subcomponents=[event])
calendar.add_missing_timezones()
text = calendar.to_ical()
Path("calendar.ics").write_bytes(text)
lines = text.decode().splitlines()
print("\n".join(line for line in lines if line.startswith(("DTSTART", "DTSTAMP"))))
print("VTIMEZONE:", lines.count("BEGIN:VTIMEZONE"))
start = Calendar.from_ical(text).events[0].start
print(f"icalendar reads: {start.isoformat()}, zone {start.tzinfo}")
PY
cat >try.mjs <<'JS'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const calendar = new ICAL.Component(ICAL.parse(readFileSync("calendar.ics", "utf8")));
const start = new ICAL.Event(calendar.getFirstSubcomponent("vevent")).startDate;
console.log(`ical.js reads: ${start}, zone ${start.zone.tzid}`);
JS
seen=$(venv/bin/python try.py && node try.mjs)
echo "$seen"
[ "$seen" = 'DTSTART;TZID="UTC+02:00":20261129T100000
DTSTAMP:20261129T080000Z
VTIMEZONE: 0
icalendar reads: 2026-11-29T10:00:00, zone None
ical.js reads: 2026-11-29T10:00:00, zone floating' ] || { echo "This is no longer so."; exit 1; }
