"""What each role may do at each address: the status of the answer by method. See `test_who_may_do_what.py`."""

TABLE = """
connections:home                        | 302                     | -
connections:list                        | 302 403 200 200 200 200 | -
connections:add                         | 302 403 403 403 200 200 | -
connections:add-azure-devops            | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:test-new                    | -                       | 302 403 403 403 200 200
connections:find-project-new            | -                       | 302 403 403 403 200 200
connections:rotation                    | 302 403 403 403 200 200 | -
connections:plan-rotation               | 302 403 403 403 302 302 | -
connections:rotation-step                        | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:verify-step                   | -                       | 302 403 403 403 200 200
connections:calendar                    | 302 403 200 200 200 200 | -
connections:make-calendar               | -                       | 302 403 200 200 200 200
connections:revoke-calendar             | -                       | 302 403 302 302 302 302
connections:remind-me-again             | -                       | 302 403 404 404 404 404
connections:calendar-feed               | 404                     | 405
connections:token-policy                 | 302 403 200 200 200 200 | -
connections:change-token-policy          | -                       | 302 403 403 403 403 200
connections:register                    | 302 403 200 200 200 200 | -
connections:register-csv                | 302 403 200 200 200 200 | -
connections:add-register-entry          | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:add-certificate             | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:import-register             | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:register-import             | 302 403 403 403 404 404 | -
connections:start-register-import       | -                       | 302 403 403 403 404 404
connections:discard-register-import     | -                       | 302 403 403 403 404 404
connections:register-entry              | 302 403 200 200 200 200 | -
connections:edit-register-entry         | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:close-register-entry        | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:reopen-register-entry       | -                       | 302 403 403 403 302 302
connections:delete-register-entry       | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:close-chosen-entries        | -                       | 302 403 403 403 302 302
connections:hand-over-chosen-entries    | -                       | 302 403 403 403 302 302
connections:delete-chosen-entries       | -                       | 302 403 403 403 302 302
connections:audits                        | 302 403 200 200 200 200 | -
connections:start-audits                   | -                       | 302 403 403 302 302 302
connections:audit-run                         | 302 403 200 200 200 200 | -
connections:auditor-report              | 302 403 403 403 403 200 | -
delivery:download-log                   | 302 403 302 302 302 302 | -
delivery:commit-page                    | 302 403 200 200 200 200 | -
connections:audit-chosen                | -                       | 302 403 403 302 302 302
connections:update-chosen               | -                       | 302 403 403 403 302 302
connections:hand-over-chosen            | -                       | 302 403 403 403 403 302
connections:disable-chosen              | -                       | 302 403 403 403 302 302
connections:check-leak                  | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:declare-leak                | -                       | 302 403 403 403 200 200
connections:declare-entry-leak          | 302 403 403 403 200 200 | 302 403 403 403 302 302
connections:leak                        | 302 403 200 200 200 200 | -
connections:revoke-leak                 | -                       | 302 403 403 403 302 302
connections:ask-leak                    | 302 403 403 403 200 200 | -
delivery:search                         | 302 403 200 200 200 200 | -
connections:cancel-audits                  | -                       | 302 403 403 302 302 302
connections:renew-several               | 302 403 403 403 302 302 | 302 403 403 403 302 302
connections:bulk-renewal                | 302 403 403 403 200 200 | 302 403 403 403 302 302
connections:renewals                    | 302 403 403 403 200 200 | -
connections:renewal-return              | 302 403 403 403 302 302 | 405
connections:renewal                     | 302 403 403 403 200 200 | 302 403 403 403 302 302
connections:renew                       | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:extend                      | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:token-import                | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:detail                      | 302 403 200 200 200 200 | -
connections:test                        | -                       | 302 403 403 200 200 200
connections:calibrate                   | 302 403 403 403 403 200 | 302 403 403 403 403 200
connections:calibration-file            | -                       | 302 403 403 403 403 302
connections:update-token                | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:test-replacement            | -                       | 302 403 403 403 200 200
connections:extend-token                | -                       | 302 403 403 403 200 200
connections:token-updated               | 302 403 403 403 200 200 | -
connections:edit                        | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:find-project                | -                       | 302 403 403 403 200 200
connections:used-by                     | 302 403 403 403 200 200 | 302 403 403 403 302 302
connections:disable                     | -                       | 302 403 403 403 302 302
connections:enable                      | -                       | 302 403 403 403 302 302
connections:default                     | -                       | 302 403 403 403 302 302
connections:disconnect                  | 302 403 403 403 200 200 | 302 403 403 403 200 200
connections:resume-reminders            | -                       | 302 403 403 403 302 302
connections:history                     | 302 403 200 200 200 200 | -
connections:history-csv                 | 302 403 200 200 200 200 | -
connections:outbox                      | 302 403 403 403 403 200 | -
connections:test-mail                   | -                       | 302 403 403 403 403 302
connections:mail                        | 302 403 403 403 403 200 | -
connections:mail-again                  | -                       | 302 403 403 403 403 302
connections:channels                    | 302 403 403 403 403 200 | -
connections:add-channel                 | 302 403 403 403 403 200 | 302 403 403 403 403 200
connections:channel                     | 302 403 403 403 403 200 | 302 403 403 403 403 200
connections:test-channel                | -                       | 302 403 403 403 403 302
connections:remove-channel              | 302 403 403 403 403 200 | 302 403 403 403 403 302
connections:connection-channels         | -                       | 302 403 403 403 302 302
connections:entry-channels              | -                       | 302 403 403 403 302 302
connections:own-channels                | -                       | 302 403 302 302 302 302
connections:unsubscribe                 | 404                     | 404
connections:guide                       | 302 200 200 200 200 200 | -
delivery:repositories                   | 302 403 200 200 200 200 | -
delivery:connection-names               | 302 403 200 200 200 200 | -
delivery:repository                     | 302 403 200 200 200 200 | -
delivery:files                          | 302 403 200 200 200 200 | -
delivery:commits                        | 302 403 200 200 200 200 | -
delivery:branches                       | 302 403 200 200 200 200 | -
delivery:new-branch                     | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:commit                         | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:new-repository-somewhere       | 302 403 403 403 302 302 | -
delivery:new-repository                 | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:builds                         | 302 403 200 200 200 200 | -
delivery:pipeline                       | 302 403 200 200 200 200 | -
delivery:build                          | 302 403 200 200 200 200 | -
delivery:build-log                      | 302 403 200 200 200 200 | -
delivery:run-pipeline                   | 302 403 403 200 200 200 | 302 403 403 200 200 200
delivery:cancel-build                   | -                       | 302 403 403 200 200 200
delivery:refresh                        | -                       | 302 403 403 302 302 302
delivery:releases                       | 302 403 200 200 200 200 | -
delivery:release                        | 302 403 200 200 200 200 | -
delivery:release-pipeline               | 302 403 200 200 200 200 | -
delivery:new-release                    | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:deploy-stage                   | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:cancel-deployment              | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:approve-deployment             | 302 403 403 403 200 200 | 302 403 403 403 200 200
delivery:reject-deployment              | 302 403 403 403 200 200 | 302 403 403 403 200 200
history:all                             | 302 403 403 403 403 200 | -
history:csv                             | 302 403 403 403 403 200 | -
people:account                          | 302 200 200 200 200 200 | -
people:sign-out-elsewhere               | -                       | 302
people:own-address                      | -                       | 302
api:tokens                              | 302 200 200 200 200 200 | 302 200 200 200 200 200
api:revoke-token                        | 302 403 403 403 403 200 | 302 403 403 403 403 302
api:all-tokens                          | 302 403 403 403 403 200 | -
api:reference                           | 302 200 200 200 200 200 | -
api:document                            | 302 200 200 200 200 200 | -
people:list                             | 302 403 403 403 403 200 | -
people:add                              | 302 403 403 403 403 200 | 302 403 403 403 403 200
people:person                           | 302 403 403 403 403 200 | -
people:role                             | -                       | 302 403 403 403 403 302
people:details                          | -                       | 302 403 403 403 403 302
people:standing                         | -                       | 302 403 403 403 403 302
people:password-link                    | -                       | 302 403 403 403 403 200
people:sign-out                         | -                       | 302 403 403 403 403 302
people:hand-over                        | -                       | 302 403 403 403 403 200
login                                   | 200 302 302 302 302 302 | 200 302 302 302 302 302
logout                                  | -                       | 302
password_change                         | 302 200 200 200 200 200 | 302 200 200 200 200 200
password_change_done                    | 302 200 200 200 200 200 | -
choose-password                         | 200                     | 200
admin-sign-in                           | 302 403 403 403 403 403 | 302 403 403 403 403 403
admin-sign-out                          | -                       | 302
admin-password                          | 302                     | 302
admin:index                             | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:login                             | 302 403 403 403 403 403 | 302 403 403 403 403 403
admin:logout                            | -                       | 302
admin:password_change                   | 302                     | 302
admin:password_change_done              | 302 302 302 302 302 200 | 302 302 302 302 302 405
admin:autocomplete                      | 302 302 302 302 302 403 | 302 302 302 302 302 405
admin:jsi18n                            | 302 302 302 302 302 200 | 302 302 302 302 302 405
admin:view_on_site                      | 302 302 302 302 302 404 | 302 302 302 302 302 404
admin:history_event_changelist          | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:history_event_add                 | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:history_event_history             | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:history_event_delete              | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:history_event_change              | 302 302 302 302 302 200 | 302 302 302 302 302 403
admin:connections_connection_changelist | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:connections_connection_add        | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:connections_connection_history    | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:connections_connection_delete     | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:connections_connection_change     | 302 302 302 302 302 200 | 302 302 302 302 302 403
admin:connections_registerentry_changelist | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:connections_registerentry_add     | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:connections_registerentry_history | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:connections_registerentry_delete  | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:connections_registerentry_change  | 302 302 302 302 302 200 | 302 302 302 302 302 403
admin:delivery_repository_changelist    | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:delivery_repository_add           | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:delivery_repository_history       | 302 302 302 302 302 200 | 302 302 302 302 302 200
admin:delivery_repository_delete        | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:delivery_repository_change        | 302 302 302 302 302 200 | 302 302 302 302 302 403
admin:auth_group_changelist             | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_group_add                    | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_group_history                | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_group_delete                 | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_group_change                 | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_user_password_change         | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_user_changelist              | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_user_add                     | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_user_history                 | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_user_delete                  | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:auth_user_change                  | 302 302 302 302 302 403 | 302 302 302 302 302 403
admin:app_list                          | 302 302 302 302 302 200 | 302 302 302 302 302 200
"""
