"""A recipe to begin with, as pages show it."""

SAMPLE_RECIPE = """\
version: 1
services:
  web:
    kind: web
    build: {path: .}
    expose: 8000
    env:
      DATABASE_URL: postgres://app:app@db:5432/app
    depends_on: [db]
  db:
    kind: database
    image: postgres:15
    expose: 5432
    env:
      POSTGRES_USER: app
      POSTGRES_PASSWORD: app
      POSTGRES_DB: app
"""
