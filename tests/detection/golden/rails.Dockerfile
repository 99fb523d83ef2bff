# Ruby with Rails, detected by Seatrial
# - bin/rails: Rails: its database is prepared at each start, with a new secret unless SECRET_KEY_BASE is set
# - .ruby-version: asks for Ruby 3.3.6
# - Gemfile.lock: names the versions that are installed
# - app/assets: is compiled at the build

FROM ruby:3.3.6-slim
WORKDIR /app
RUN useradd --create-home --uid 1000 app && chown app:app /app
RUN apt-get update && apt-get install -y --no-install-recommends build-essential git libffi-dev libpq-dev libyaml-dev pkg-config && rm -rf /var/lib/apt/lists/*
COPY Gemfile Gemfile.lock .ruby-version ./
ENV BUNDLE_WITHOUT=development:test
RUN bundle install
COPY --chown=app:app . .
USER app
ENV RAILS_ENV=production RAILS_LOG_TO_STDOUT=1 RAILS_SERVE_STATIC_FILES=1
RUN SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=build bin/rails assets:precompile
ENV PORT=8080
EXPOSE 8080
CMD ["sh", "-c", "export SECRET_KEY_BASE=\"${SECRET_KEY_BASE:-$(head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \\n')}\"; bin/rails db:prepare && exec bin/rails server -b 0.0.0.0 -p $PORT"]
