"""Addresses of the Code Repositories pages."""

from django.urls import path

from connections.views import (
    adding,
    calendar,
    connection,
    editing,
    guardrails,
    guide,
    history,
    listing,
    outbox,
    rotation,
    runs,
)

app_name = "connections"
urlpatterns = [
    path("", listing.home, name="home"),
    path("code-repositories/", listing.listing, name="list"),
    path("code-repositories/add/", adding.pick_provider, name="add"),
    path("code-repositories/add/azure-devops/", adding.connect_page, name="add-azure-devops"),
    path("code-repositories/add/azure-devops/test/", adding.test_connection, name="test-new"),
    path("code-repositories/add/azure-devops/find-project/", adding.find_missing_project, name="find-project-new"),
    path("code-repositories/guard-rails/", guardrails.guard_rails, name="guard-rails"),
    path("code-repositories/guard-rails/change/", guardrails.change_guard_rails, name="change-guard-rails"),
    path("code-repositories/calendar/", calendar.calendar_page, name="calendar"),
    path("code-repositories/calendar/make/", calendar.make, name="make-calendar"),
    path("code-repositories/calendar/revoke/", calendar.revoke_address, name="revoke-calendar"),
    path("code-repositories/calendar/remind/<int:pk>/", calendar.remind_again, name="remind-me-again"),
    path("calendar/<str:secret>.ics", calendar.feed, name="calendar-feed"),
    path("code-repositories/audits/", runs.list_runs, name="runs"),
    path("code-repositories/audits/start/", runs.start, name="start-run"),
    path("code-repositories/audits/<int:pk>/", runs.run_page, name="run"),
    path("code-repositories/audits/<int:pk>/cancel/", runs.cancel, name="cancel-run"),
    path("code-repositories/<int:pk>/", connection.detail, name="detail"),
    path("code-repositories/<int:pk>/test/", connection.test_stored, name="test"),
    path("code-repositories/<int:pk>/token/", rotation.update_token, name="update-token"),
    path("code-repositories/<int:pk>/token/test/", rotation.test_replacement, name="test-replacement"),
    path("code-repositories/<int:pk>/token/extend/", rotation.extend_token, name="extend-token"),
    path("code-repositories/<int:pk>/token/updated/", rotation.token_updated, name="token-updated"),
    path("code-repositories/<int:pk>/edit/", editing.edit_page, name="edit"),
    path("code-repositories/<int:pk>/edit/find-project/", editing.find_missing_project, name="find-project"),
    path("code-repositories/<int:pk>/disable/", connection.disable, name="disable"),
    path("code-repositories/<int:pk>/enable/", connection.enable, name="enable"),
    path("code-repositories/<int:pk>/default/", connection.choose_default, name="default"),
    path("code-repositories/<int:pk>/disconnect/", connection.disconnect_page, name="disconnect"),
    path(
        "code-repositories/<int:pk>/reminders/<int:muted>/again/", connection.resume_reminders, name="resume-reminders"
    ),
    path("code-repositories/<int:pk>/history/", history.history, name="history"),
    path("code-repositories/<int:pk>/history.csv", history.export, name="history-csv"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/test/", outbox.send_test_mail, name="test-mail"),
    path("outbox/<int:pk>/", outbox.mail, name="mail"),
    path("outbox/<int:pk>/again/", outbox.again, name="mail-again"),
    path("reminders/stop/<str:key>/", outbox.unsubscribe, name="unsubscribe"),
    path("help/azure-devops/", guide.guide, name="guide"),
]
