"""Firestore as the place where the public projection lies: spoken here, and nowhere else but by the local server.

Importing this package is cheap: Google's client is loaded by the first call.
"""

from hedge_pipeline.adapters.firestore.absent import AbsentPublisher
from hedge_pipeline.adapters.firestore.patience import PublishingLimits
from hedge_pipeline.adapters.firestore.publisher import FirestorePublisher

__all__ = ["AbsentPublisher", "FirestorePublisher", "PublishingLimits"]
