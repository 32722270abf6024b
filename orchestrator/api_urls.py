"""URLs of the REST API and of the pages, for requests to the API.

Its framework takes a quarter of a second to load, so the pages do not wait for it.
"""

from django.urls import include, path

from orchestrator import urls

urlpatterns = [path("api/v1/", include("api.v1.urls")), *urls.urlpatterns]

handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
