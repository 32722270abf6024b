"""What an administrator does about people: roles, who is active, new people, links to choose a password."""

from dataclasses import asdict, dataclass

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from people import roles
from people.events import tell


class Refused(Exception):
    """Not done, for a reason that the person can act on. `field` names the form field, or is empty."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


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
    _may_give(new.role, by)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                new.username, new.email, password=None, first_name=new.first_name, last_name=new.last_name
            )
            give(user, new.role)
    except IntegrityError:
        raise Refused("Somebody has this name already. Choose another.", field="username") from None
    return user


@dataclass(frozen=True, slots=True)
class Details:
    """How somebody is called, and where mails reach them."""

    first_name: str
    last_name: str
    email: str


def change_details(user: User, details: Details, *, by: User) -> None:
    """Put these in place of the old ones. Raises `Refused`."""
    _may_touch(user, by)
    new = asdict(details)
    for name, value in new.items():
        setattr(user, name, value)
    user.save(update_fields=list(new))


def change_own_address(me: User, email: str) -> None:
    """Where mails reach oneself from now on."""
    me.email = email
    me.save(update_fields=["email"])


def password_link(user: User, *, by: User) -> str:
    """An address at which the person chooses a password: good once, for PASSWORD_LINK_HOURS. Raises `Refused`."""
    _may_touch(user, by)
    if not user.is_active:
        raise Refused("This person is not active. Make them active first.")
    tell("person.invited", user)
    return link_for(user)


def link_for(user: User) -> str:
    """The address itself."""
    place = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return f"{settings.SITE_URL}{reverse('choose-password', args=[place, token])}"


def change_role(user: User, role: str, *, by: User) -> bool:
    """Give exactly this role, or none when it is empty. Returns whether anything changed. Raises `Refused`."""
    _may_touch(user, by)
    if user.is_superuser:
        raise Refused("A superuser may do everything already. Django's admin takes that away.", field="role")
    if roles.role_of(user) == role:
        return False
    _may_give(role, by)
    with transaction.atomic():
        _somebody_remains(user)
        give(user, role)
    return True


def set_active(user: User, *, active: bool, by: User) -> bool:
    """Let a person sign in, or sign them out everywhere. Returns whether anything changed. Raises `Refused`."""
    _may_touch(user, by)
    if user.is_active == active:
        return False
    with transaction.atomic():
        if not active:
            _somebody_remains(user)
        user.is_active = active
        user.save(update_fields=["is_active"])
    return True


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
        raise Refused("Nobody changes their own role or standing. Ask another administrator.")
    if user.is_superuser and not by.is_superuser:
        raise Refused("Only a superuser may change a superuser.")


def _may_give(role: str, by: User) -> None:
    if role == roles.ADMINISTRATOR and not (by.is_superuser or roles.role_of(by) == role):
        raise Refused("Only an administrator makes administrators.", field="role")


def _somebody_remains(user: User) -> None:
    # Their rows are taken first, so that two administrators do not remove each other at the same moment.
    list(User.objects.select_for_update().filter(pk__in=roles.administrators()).values_list("pk"))
    if not roles.administrators() - {user.pk}:
        raise Refused("This is the last active administrator. Make another one first.")
