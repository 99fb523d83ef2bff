# Python with Flask, detected by Seatrial
# - app.py: makes app:app, a Flask application, served by gunicorn
# - .python-version: asks for Python 3.12.4
# - requirements.txt: installed by pip

FROM python:3.12.4-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
ENV PYTHONUNBUFFERED=1
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY --chown=app:app . .
USER app
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "exec gunicorn --bind 0.0.0.0:$PORT 'app:app'"]
