"""What JSON may be sent and is answered, declared once: read by marshmallow, shown by the OpenAPI document."""
