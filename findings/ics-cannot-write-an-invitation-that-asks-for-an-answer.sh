#!/usr/bin/env bash
# ics 0.7.3 with icalendar 7.3.2 (PyPI), found on 30 November 2026 with Python 3.11.
#
# Expected: a calendar that ics has read it can write again. RSVP=TRUE, which asks an attendee for an answer (RFC 5545, section
# 3.2.17), is usual in invitations, and ics has a property rsvp for it.
# Seen: reading makes a bool of the text of RSVP, True of FALSE too, and writing joins the values of a parameter as texts:
# serialize() raises TypeError, and nothing of the calendar is written. Without RSVP it writes the attendee.
#
# Output seen:
#   no RSVP: None, ATTENDEE;CN=someone@example.com;PARTSTAT=NEEDS-ACTION:mailto:someone@example.com
#   RSVP=TRUE: True, TypeError: sequence item 0: expected str instance, bool found
#   RSVP=FALSE: True, TypeError: sequence item 0: expected str instance, bool found
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet ics==0.7.3 icalendar==7.3.2

cat >try.py <<'PY'
from datetime import datetime, timezone

import ics
from icalendar import Calendar, Event, vCalAddress


def invitation(rsvp: str) -> str:
    attendee = vCalAddress("mailto:someone@example.com")
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    if rsvp:
        attendee.params["RSVP"] = rsvp
    event = Event(uid="1", dtstamp="20261130T100000Z")
    event.add("dtstart", datetime(2026, 12, 1, 10, tzinfo=timezone.utc))
    event.add("attendee", attendee)
    calendar = Calendar(version="2.0", prodid="try")
    calendar.add_component(event)
    return calendar.to_ical().decode()


for rsvp in ("", "TRUE", "FALSE"):
    calendar = ics.Calendar(invitation(rsvp))
    [event] = calendar.events
    [attendee] = event.attendees
    try:
        written = next(line for line in calendar.serialize().splitlines() if line.startswith("ATTENDEE"))
    except TypeError as error:
        written = f"{type(error).__name__}: {error}"
    print(f"{f'RSVP={rsvp}' if rsvp else 'no RSVP'}: {attendee.rsvp}, {written}")
PY
seen=$(venv/bin/python -W ignore try.py)
echo "$seen"
[ "$seen" = "no RSVP: None, ATTENDEE;CN=someone@example.com;PARTSTAT=NEEDS-ACTION:mailto:someone@example.com
RSVP=TRUE: True, TypeError: sequence item 0: expected str instance, bool found
RSVP=FALSE: True, TypeError: sequence item 0: expected str instance, bool found" ] || { echo "This is no longer so."; exit 1; }
