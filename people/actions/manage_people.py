"""What administrators change about people: new people, names, roles, whether they are active, and password links."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

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
from people.events import record_person_event


class Refused(Exception):
    """A change that was not made, for a reason that the user can act on.

    `code` is stable; `field` names the form field that the message belongs to, or is empty.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class PersonGone(Exception):
    """The person was removed, possibly during the request; nothing was changed. Every page answers with 404.

    `code` is one of the catalogue's.
    """

    code = "person_gone"


def person_gone() -> PersonGone:
    """The exception with the catalogue's wording."""
    problem = catalogue.problem(PersonGone.code)
    return PersonGone(f"{problem.title}. {problem.explanation} {problem.next_step}")


@dataclass(frozen=True, slots=True)
class Details:
    """A person's name and the address that mails go to."""

    first_name: str
    last_name: str
    email: str


@dataclass(frozen=True, slots=True)
class NewPerson(Details):
    """A person to add."""

    username: str
    role: str


def add(new: NewPerson, *, by: User) -> User:
    """Add a person with a role and no password; with `password_link` they choose one. Raises `Refused`."""
    with _refusing_invalid_input():
        username = input_rules.username(new.username)
    details = _checked_details(new)
    _require_can_assign(new.role, by)
    try:
        with transaction.atomic():
            require_free(username)
            user = User.objects.create_user(username, password=None, **details)
            assign_role(user, new.role)
    except IntegrityError:
        raise _username_taken() from None
    return user


def _checked_details(details: Details) -> dict[str, str]:
    with _refusing_invalid_input():
        return {
            "first_name": input_rules.person_name(details.first_name, field="first_name"),
            "last_name": input_rules.person_name(details.last_name, field="last_name"),
            "email": input_rules.email(details.email),
        }


@contextmanager
def _refusing_invalid_input() -> Iterator[None]:
    """Turn `InvalidInput` of the rules into `Refused` with the same code, message and field."""
    try:
        yield
    except InvalidInput as error:
        raise Refused(error.code, error.message, field=error.field) from None


def require_free(username: str) -> None:
    """Raise `Refused` when the username is taken; upper and lower case make no difference."""
    if User.objects.filter(username__iexact=username).exists():
        raise _username_taken()


def _username_taken() -> Refused:
    return Refused("username_taken", "This username is taken. Choose another one.", field="username")


def add_administrator(username: str, email: str, *, password: str | None) -> User:
    """Add a superuser, for the command. Raises `Refused`."""
    with _refusing_invalid_input():
        username, email = input_rules.username(username), input_rules.email(email)
    with transaction.atomic():
        require_free(username)
        return User.objects.create_superuser(username, email, password)


def change_details(user: User, details: Details, *, by: User) -> None:
    """Change a person's name and address. Raises `Refused` and `PersonGone`."""
    values = _checked_details(details)
    with _locked(user, by=by) as current:
        _save(current, values)
    _set(user, values)


def change_own_address(user: User, email: str) -> None:
    """Change one's own mail address. Raises `Refused` and `PersonGone`."""
    with _refusing_invalid_input():
        email = input_rules.email(email)
    with transaction.atomic():
        _save(_lock(user), {"email": email})
    _set(user, {"email": email})


@contextmanager
def _locked(user: User, *, by: User, with_administrators: bool = False) -> Iterator[User]:
    """The person as stored now, locked in a transaction.

    Raises `PersonGone`, and `Refused` if `by` may not change them. `with_administrators`
    locks all administrators first, so that two of them can't remove each other at the same time.
    """
    with transaction.atomic():
        if with_administrators:
            administrators = User.objects.filter(pk__in=roles.administrators()).order_by("pk")
            list(administrators.select_for_update().values_list("pk"))
        current = _lock(user)
        _require_can_change(current, by)
        yield current


def _lock(user: User) -> User:
    current = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user.pk).first()
    if current is None:
        raise person_gone()
    return current


def _save(locked: User, values: Mapping[str, object]) -> None:
    """Save on the locked row: events compare it with the database, so an outdated object would report wrong changes."""
    _set(locked, values)
    locked.save(update_fields=list(values))


def _set(user: User, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        setattr(user, name, value)


def password_link(user: User, *, by: User) -> str:
    """A link with which the person chooses a password. It works once, for PASSWORD_LINK_HOURS.

    Raises `Refused` and `PersonGone`.
    """
    with _locked(user, by=by) as current:
        if not current.is_active:
            raise Refused("person_inactive", "This person is inactive. Make them active first.")
        record_person_event("person.invited", current)
    return create_password_link(current)


def create_password_link(user: User) -> str:
    """The address of the page, without a check or an event."""
    user_id = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return f"{settings.SITE_URL}{reverse('choose-password', args=[user_id, token])}"


def change_role(user: User, role: str, *, by: User) -> bool:
    """Give exactly this role, or none when it is empty. Returns whether anything changed.

    Raises `Refused` and `PersonGone`.
    """
    with _locked(user, by=by, with_administrators=True) as current:
        if current.is_superuser:
            message = "A superuser can do everything. Only Django's admin can change that."
            raise Refused("person_is_superuser", message, field="role")
        if roles.role_of(current) == role:
            return False
        _require_can_assign(role, by)
        _require_other_administrator(current)
        assign_role(current, role)
    user.is_staff = current.is_staff
    return True


def set_active(user: User, *, active: bool, by: User) -> bool:
    """Let a person sign in, or sign them out everywhere. Returns whether anything changed.

    Raises `Refused` and `PersonGone`.
    """
    with _locked(user, by=by, with_administrators=True) as current:
        is_change = current.is_active != active
        if is_change and not active:
            _require_other_administrator(current)
        if is_change:
            _save(current, {"is_active": active})
    user.is_active = active
    return is_change


def assign_role(user: User, role: str) -> None:
    """Give exactly this role, or none when it is empty, without checking who asks for it."""
    user.groups.remove(*user.groups.filter(name__in=roles.BY_NAME).exclude(name=role))
    if role:
        user.groups.add(Group.objects.get(name=role))
    # Only staff can open Django's admin, which administrators may use.
    user.is_staff = role == roles.ADMINISTRATOR
    user.save(update_fields=["is_staff"])


def can_change(user: User, by: User) -> bool:
    """Whether `by` may change this person at all. With a password link, they could become this person."""
    return user.pk != by.pk and not _outranks(user, by)


def _outranks(user: User, by: User) -> bool:
    """Whether the person is a superuser and `by` is not, or an administrator and `by` may only manage people."""
    if user.is_superuser or by.is_superuser:
        return not by.is_superuser
    return roles.role_of(user) == roles.ADMINISTRATOR and roles.role_of(by) != roles.ADMINISTRATOR


def _require_can_change(user: User, by: User) -> None:
    if user.pk == by.pk:
        message = "You can't change your own role, or make yourself inactive. Ask another administrator."
        raise Refused("own_standing", message)
    if not can_change(user, by):
        if user.is_superuser:
            raise Refused("superuser_needed", "Only a superuser can change a superuser.")
        raise Refused("administrator_needed", "Only an administrator can change an administrator.")


def _require_can_assign(role: str, by: User) -> None:
    if role and role not in roles.BY_NAME:
        raise Refused("role_unknown", "This role does not exist. Choose one of the list.", field="role")
    if role == roles.ADMINISTRATOR and not (by.is_superuser or roles.role_of(by) == role):
        raise Refused("administrator_needed", "Only an administrator can make someone an administrator.", field="role")


def _require_other_administrator(user: User) -> None:
    if not roles.administrators() - {user.pk}:
        message = "This is the last active administrator. Make someone else an administrator first."
        raise Refused("last_administrator", message)
