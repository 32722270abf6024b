"""What an administrator does about people: roles, who is active, new people, links to choose a password."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from connections.domain.problems import catalogue
from connections.input_rules import InvalidInput
from people import input_rules, roles
from people.events import tell


class Refused(Exception):
    """Not done, for a reason that the person can act on.

    `code` is stable; `field` names the form field the message belongs beside, or is empty.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class PersonGone(Exception):
    """The person was removed, also while the request was under way; nothing was changed. Every page answers with 404.

    `code` is one of the catalogue's.
    """

    code = "person_gone"


def gone() -> PersonGone:
    """The refusal in the catalogue's words."""
    problem = catalogue.problem(PersonGone.code)
    return PersonGone(f"{problem.title}. {problem.explanation} {problem.next_step}")


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is added."""

    username: str
    first_name: str
    last_name: str
    email: str
    role: str


def add(new: NewPerson, *, by: User) -> User:
    """A person with a role and without a password; `password_link` lets them choose one. Raises `Refused`."""
    new = _checked(new)
    _may_give(new.role, by)
    try:
        with transaction.atomic():
            require_free(new.username)
            user = User.objects.create_user(
                new.username, new.email, password=None, first_name=new.first_name, last_name=new.last_name
            )
            give(user, new.role)
    except IntegrityError:
        raise _name_taken() from None
    return user


def _checked(new: NewPerson) -> NewPerson:
    with refusing_invalid_input():
        return replace(
            new,
            username=input_rules.username(new.username),
            first_name=input_rules.person_name(new.first_name, field="first_name"),
            last_name=input_rules.person_name(new.last_name, field="last_name"),
            email=input_rules.email(new.email),
        )


@contextmanager
def refusing_invalid_input() -> Iterator[None]:
    """Raise `Refused` for what a rule of `input_rules` does not accept, with the rule's code, words and field."""
    try:
        yield
    except InvalidInput as wrong:
        raise Refused(wrong.code, wrong.message, field=wrong.field) from None


def require_free(username: str) -> None:
    """Names that differ in capitals alone are one name to people. Raises `Refused`."""
    if User.objects.filter(username__iexact=username).exists():
        raise _name_taken()


def _name_taken() -> Refused:
    return Refused("username_taken", "Somebody has this name already. Choose another.", field="username")


def add_administrator(username: str, email: str, *, password: str | None) -> User:
    """A superuser, for a command. Raises `Refused`."""
    with refusing_invalid_input():
        username, email = input_rules.username(username), input_rules.email(email)
    with transaction.atomic():
        require_free(username)
        return User.objects.create_superuser(username, email, password)


@dataclass(frozen=True, slots=True)
class Details:
    """How somebody is called, and where mails reach them."""

    first_name: str
    last_name: str
    email: str


def change_details(user: User, details: Details, *, by: User) -> None:
    """Put these in place of the old ones. Raises `Refused` and `PersonGone`."""
    with refusing_invalid_input():
        new = {
            "first_name": input_rules.person_name(details.first_name, field="first_name"),
            "last_name": input_rules.person_name(details.last_name, field="last_name"),
            "email": input_rules.email(details.email),
        }
    _may_touch(user, by)
    with transaction.atomic():
        current = _held(user)
        _may_touch(current, by)
        _write(current, new)
    _show(user, new)


def change_own_address(me: User, email: str) -> None:
    """Where mails reach oneself from now on. Raises `Refused` and `PersonGone`."""
    with refusing_invalid_input():
        email = input_rules.email(email)
    with transaction.atomic():
        _write(_held(me), {"email": email})
    _show(me, {"email": email})


def _held(user: User) -> User:
    """The person as they are now, locked until the transaction ends. Raises `PersonGone`."""
    current = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user.pk).first()
    if current is None:
        raise gone()
    return current


def _write(held: User, new: Mapping[str, object]) -> None:
    """Put values on the row that the caller holds: events compare it with the database, so nothing of it may be old."""
    _show(held, new)
    held.save(update_fields=list(new))


def _show(user: User, new: Mapping[str, object]) -> None:
    """Put values that are written on an object that a page read before."""
    for name, value in new.items():
        setattr(user, name, value)


def password_link(user: User, *, by: User) -> str:
    """An address at which the person chooses a password: good once, for PASSWORD_LINK_HOURS.

    Raises `Refused` and `PersonGone`.
    """
    with transaction.atomic():
        current = _held(user)
        _may_touch(current, by)
        if not current.is_active:
            raise Refused("person_inactive", "This person is not active. Make them active first.")
        tell("person.invited", current)
    return link_for(current)


def link_for(user: User) -> str:
    """The address itself."""
    place = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return f"{settings.SITE_URL}{reverse('choose-password', args=[place, token])}"


def change_role(user: User, role: str, *, by: User) -> bool:
    """Give exactly this role, or none when it is empty. Returns whether anything changed.

    Raises `Refused` and `PersonGone`.
    """
    _may_touch(user, by)
    with transaction.atomic():
        _hold_administrators()
        current = _held(user)
        _may_touch(current, by)
        if current.is_superuser:
            words = "A superuser may do everything already. Django's admin takes that away."
            raise Refused("person_is_superuser", words, field="role")
        if roles.role_of(current) == role:
            return False
        _may_give(role, by)
        _somebody_remains(current)
        give(current, role)
    user.is_staff = current.is_staff
    return True


def set_active(user: User, *, active: bool, by: User) -> bool:
    """Let a person sign in, or sign them out everywhere. Returns whether anything changed.

    Raises `Refused` and `PersonGone`.
    """
    _may_touch(user, by)
    with transaction.atomic():
        _hold_administrators()
        current = _held(user)
        _may_touch(current, by)
        changes = current.is_active != active
        if changes and not active:
            _somebody_remains(current)
        if changes:
            _write(current, {"is_active": active})
    _show(user, {"is_active": active})
    return changes


def give(user: User, role: str) -> None:
    """Exactly this role, or none when it is empty. Asks nobody; the actions above do."""
    user.groups.remove(*user.groups.filter(name__in=roles.BY_NAME).exclude(name=role))
    if role:
        user.groups.add(Group.objects.get(name=role))
    # Django's own admin is part of "everything".
    user.is_staff = role == roles.ADMINISTRATOR
    user.save(update_fields=["is_staff"])


def may_touch(user: User, by: User) -> bool:
    """Whether `by` may change this person at all."""
    return user.pk != by.pk and (by.is_superuser or not user.is_superuser)


def _may_touch(user: User, by: User) -> None:
    if user.pk == by.pk:
        words = "Nobody changes their own role or standing. Ask another administrator."
        raise Refused("own_standing", words)
    if user.is_superuser and not by.is_superuser:
        raise Refused("superuser_needed", "Only a superuser may change a superuser.")


def _may_give(role: str, by: User) -> None:
    if role and role not in roles.BY_NAME:
        raise Refused("role_unknown", "There is no such role. Choose one of those that are offered.", field="role")
    if role == roles.ADMINISTRATOR and not (by.is_superuser or roles.role_of(by) == role):
        raise Refused("administrator_needed", "Only an administrator makes administrators.", field="role")


def _hold_administrators() -> None:
    """So that two administrators do not remove each other at the same moment; always before anybody else is held."""
    list(User.objects.select_for_update().filter(pk__in=roles.administrators()).order_by("pk").values_list("pk"))


def _somebody_remains(user: User) -> None:
    if not roles.administrators() - {user.pk}:
        raise Refused("last_administrator", "This is the last active administrator. Make another one first.")
