# Ruby with Sinatra, detected by Seatrial
# - config.ru: is served by puma
# - Gemfile: asks for Ruby 3.2

FROM ruby:3.2-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
RUN apt-get update && apt-get install -y --no-install-recommends build-essential git libffi-dev libpq-dev libyaml-dev pkg-config && rm -rf /var/lib/apt/lists/*
COPY Gemfile ./
ENV BUNDLE_WITHOUT=development:test
RUN bundle install
COPY --chown=app:app . .
USER app
ENV RACK_ENV=production APP_ENV=production
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "exec bundle exec puma -b tcp://0.0.0.0:$PORT"]
