"""What is told of messages: planned, sent, stopped; never to which number, nor by which name."""

from marshmallow import Schema, fields

String, Integer = fields.String, fields.Integer


class CodeSentAnswer(Schema):
    """A code that is on its way to the member's telephone, and for how many minutes it is good."""

    member_id = fields.UUID()
    channel = String(metadata={"enum": ["sms"]})
    minutes = Integer()
