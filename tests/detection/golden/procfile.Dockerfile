# Python, detected by Seatrial
# - Procfile: web: says how to start it: python serve.py --port $PORT
# - requirements.txt: installed by pip

FROM python:3.13-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
ENV PYTHONUNBUFFERED=1
COPY --chown=app:app . .
RUN pip install --no-cache-dir -r requirements.txt
USER app
ENV PORT=8080
CMD ["sh", "-c", "python serve.py --port $PORT"]
