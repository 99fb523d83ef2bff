# Python with Django, detected by Seatrial
# - manage.py: Django: its database is migrated at each start
# - shop/wsgi.py: is served by gunicorn, which is required
# - pyproject.toml: asks for Python ^3.12
# - poetry.lock: installed by Poetry

FROM python:3.13-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
ENV PYTHONUNBUFFERED=1
RUN pip install --no-cache-dir poetry
ENV POETRY_VIRTUALENVS_IN_PROJECT=true
COPY pyproject.toml poetry.lock ./
RUN poetry install --only main --no-root
COPY --chown=app:app . .
ENV PATH=/app/.venv/bin:$PATH
USER app
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "python manage.py migrate --noinput && exec gunicorn --bind 0.0.0.0:$PORT shop.wsgi"]
