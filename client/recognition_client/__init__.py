"""A typed client of the recognition API; it knows nothing of the rest of the project."""

from recognition_client.answers import Answer, BatchAnswer, Cost, Document, RecognitionRefused, Result
from recognition_client.recognition import RecognitionClient
from recognition_client.transport import Reply, SignedTransport, TokenTransport, Unreachable

__all__ = [
    "Answer",
    "BatchAnswer",
    "Cost",
    "Document",
    "RecognitionClient",
    "RecognitionRefused",
    "Reply",
    "Result",
    "SignedTransport",
    "TokenTransport",
    "Unreachable",
]
