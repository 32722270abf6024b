"""The forms of a page, filled in as a browser without JavaScript does."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where it leads, what it sends, what can be chosen by which label, and what each button adds."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, tuple[str, str]] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)

    def chosen(self, label: str) -> dict[str, str]:
        """What is sent for the choice whose label begins like this."""
        (found,) = [dict([sent]) for words, sent in self.choices.items() if words.startswith(label)]
        return found

    def pressed(self, button: str) -> dict[str, str]:
        """What is sent when the button is pressed whose words begin like this."""
        (found,) = [sent for words, sent in self.buttons.items() if words.startswith(button)]
        return self.fields | found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._sent = ("", "")
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms and tag in ("input", "button"):
            self._words, self._sent = [], (given.get("name", ""), given.get("value", ""))
            is_on = given.get("type") not in ("radio", "checkbox") or "checked" in given
            if tag == "input" and is_on:
                self.forms[-1].fields.update([self._sent])

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        words = " ".join("".join(self._words).split())
        if self.forms and tag == "label":
            self.forms[-1].choices[words] = self._sent
        elif self.forms and tag == "button":
            self.forms[-1].buttons[words] = dict([self._sent]) if self._sent[0] else {}


def form_with(page: str, button: str) -> Form | None:
    """The form with a button whose words begin like this; None if no form has one."""
    reader = _Reader()
    reader.feed(page)
    return next((form for form in reader.forms if any(words.startswith(button) for words in form.buttons)), None)
