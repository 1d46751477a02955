"""The application for a WSGI server: `granian --interface wsgi wsgi:app`, or `gunicorn wsgi:app`."""

from loyalty_engine import create_app

app = create_app()
