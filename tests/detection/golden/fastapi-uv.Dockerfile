# Python with FastAPI, detected by Seatrial
# - app/main.py: makes app.main:app, a FastAPI application, served by uvicorn
# - pyproject.toml: asks for Python >=3.11,<3.13
# - uv.lock: installed by uv

FROM python:3.12-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
ENV PYTHONUNBUFFERED=1
RUN pip install --no-cache-dir uv
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-workspace
COPY --chown=app:app . .
ENV PATH=/app/.venv/bin:$PATH
USER app
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "exec uvicorn --host 0.0.0.0 --port $PORT app.main:app"]
