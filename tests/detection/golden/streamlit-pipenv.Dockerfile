# Python with Streamlit, detected by Seatrial
# - app.py: is run, for Streamlit is required
# - Pipfile: asks for Python 3.11
# - Pipfile.lock: installed by Pipenv

FROM python:3.11-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
ENV PYTHONUNBUFFERED=1
RUN pip install --no-cache-dir pipenv
ENV PIPENV_VENV_IN_PROJECT=1
COPY Pipfile Pipfile.lock ./
RUN pipenv sync
COPY --chown=app:app . .
ENV PATH=/app/.venv/bin:$PATH
USER app
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "exec streamlit run app.py --server.address 0.0.0.0 --server.port $PORT"]
