# One image for every part; compose.yaml says with which command each part starts.
# A tag can be moved to another image; a digest cannot: docs/operating.md shows how to pin one.
ARG PYTHON_IMAGE=python:3.11.16-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
# `sign-in` also installs the optional ways to sign in.
ARG PACKAGES=run
WORKDIR /app
# Only what decides about packages, so that a change of code does not install them anew.
COPY requirements requirements
COPY orchestrator/bootstrap.py orchestrator/
RUN python orchestrator/bootstrap.py "$PACKAGES"

FROM ${PYTHON_IMAGE}
ENV PATH="/app/.venv/bin:$PATH" PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2 VAR_DIR=/app/var
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY . .
# Static files are named by their content and belong to the image. The keys of this step are thrown away.
RUN mkdir -p var && env $(python orchestrator/generate_keys.py) python manage.py collectstatic --noinput \
 && python -m compileall -q api connections core delivery expected_answers history orchestrator people sandbox throttling \
 && useradd --system --uid 10001 --home-dir /app orchestrator
USER orchestrator
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "orchestrator.wsgi", "--config", "python:orchestrator.gunicorn", "--bind", "0.0.0.0:8000"]
