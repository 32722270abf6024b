#!/usr/bin/env bash
# ics 0.7.3 with icalendar 7.3.2 (PyPI), found on 30 November 2026 with Python 3.11.
#
# Expected: an alarm five minutes before the end of an event (TRIGGER;RELATED=END, RFC 5545, section 3.8.6.3) is at the same
# time after ics read the calendar and wrote it again. A calendar that names no scale still has the Gregorian one.
# Seen: ics writes the trigger without RELATED=END, so the alarm of an event of an hour comes an hour earlier, before its
# start. It also adds CALSCALE:GEORGIAN, a misspelling: the scale that RFC 5545 knows is GREGORIAN.
#
# Output seen:
#   written by icalendar: alarm 2026-12-01 10:55:00+00:00, scale not named
#   read and written by ics: alarm 2026-12-01 09:55:00+00:00, scale GEORGIAN
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet ics==0.7.3 icalendar==7.3.2

cat >try.py <<'PY'
from datetime import datetime, timedelta, timezone

import ics
from icalendar import Alarm, Calendar, Event


def show(name: str, text: str) -> None:
    calendar = Calendar.from_ical(text)
    [event] = calendar.walk("VEVENT")
    [alarm] = event.alarms.times
    print(f"{name}: alarm {alarm.trigger}, scale {calendar.get('calscale', 'not named')}")


alarm = Alarm(action="DISPLAY", description="Almost over")
alarm.add("trigger", timedelta(minutes=-5), {"RELATED": "END"})
event = Event(uid="1", dtstamp="20261130T100000Z")
event.add("dtstart", datetime(2026, 12, 1, 10, tzinfo=timezone.utc))
event.add("dtend", datetime(2026, 12, 1, 11, tzinfo=timezone.utc))
event.add_component(alarm)
calendar = Calendar(version="2.0", prodid="try")
calendar.add_component(event)
text = calendar.to_ical().decode()
show("written by icalendar", text)
show("read and written by ics", ics.Calendar(text).serialize())
PY
seen=$(venv/bin/python -W ignore try.py)
echo "$seen"
[ "$seen" = "written by icalendar: alarm 2026-12-01 10:55:00+00:00, scale not named
read and written by ics: alarm 2026-12-01 09:55:00+00:00, scale GEORGIAN" ] || { echo "This is no longer so."; exit 1; }
