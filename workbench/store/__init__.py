"""What the workbench remembers: a database of values, and the frames' image files."""

from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection

from workbench.store.arrivals import Arrivals
from workbench.store.audit import AuditTrail
from workbench.store.clip_parts import ClipParts
from workbench.store.comparisons import Comparisons
from workbench.store.database import Database
from workbench.store.datasets import Datasets
from workbench.store.footage import Footage
from workbench.store.frame_files import FOLDERS, FrameFiles, picture_id
from workbench.store.frame_filter import Cursor, FrameFilter, FrameState
from workbench.store.gold import Gold
from workbench.store.golden_sets import GoldenSets
from workbench.store.hooks import Hooks, WaitingHooks
from workbench.store.jobs import Jobs
from workbench.store.labels import Labels
from workbench.store.opinions import KeptOpinion, Opinions
from workbench.store.pictures import NamedPicture, Pictures
from workbench.store.prints import Print, Prints
from workbench.store.promotions import Promotions
from workbench.store.pulls import AnsweredTask, PullCursor, Pulls
from workbench.store.queue import Queue
from workbench.store.reactions import Reactions, ReadAnswer, ShownModel
from workbench.store.reviews import BriefAnswer, BriefGuess, Reviews
from workbench.store.samplings import Samplings
from workbench.store.search import ChosenEncoder, SearchEncoders
from workbench.store.sites import Sites
from workbench.store.streams import Streams
from workbench.store.suggestions import CurrentModel, Suggester, Suggestions
from workbench.store.turns import turn
from workbench.store.users import Users

__all__ = [
    "FOLDERS",
    "AnsweredTask",
    "BriefAnswer",
    "BriefGuess",
    "ChosenEncoder",
    "CurrentModel",
    "Cursor",
    "FrameFiles",
    "FrameFilter",
    "FrameState",
    "KeptOpinion",
    "NamedPicture",
    "Print",
    "PullCursor",
    "ReadAnswer",
    "ShownModel",
    "Store",
    "Suggester",
    "WaitingHooks",
    "picture_id",
    "turn",
]


class Store:
    """Values by kind: ``store.sites``, ``store.footage`` and so on, all in one database."""

    def __init__(self, database: Database, datasets_dir: Path) -> None:
        self._database = database
        self.sites = Sites(database)
        self.streams = Streams(database)
        self.footage = Footage(database)
        self.arrivals = Arrivals(database)
        self.pictures = Pictures(database)
        self.prints = Prints(database)
        self.search = SearchEncoders(database)
        self.opinions = Opinions(database)
        self.comparisons = Comparisons(database)
        self.samplings = Samplings(database)
        self.labels = Labels(database)
        self.clip_parts = ClipParts(database)
        self.pulls = Pulls(database)
        self.hooks = Hooks(database)
        self.suggestions = Suggestions(database)
        self.reactions = Reactions(database)
        self.reviews = Reviews(database)
        self.gold = Gold(database)
        self.queue = Queue(database)
        self.datasets = Datasets(database, datasets_dir)
        self.golden_sets = GoldenSets(database)
        self.promotions = Promotions(database)
        self.audit = AuditTrail(database)
        self.users = Users(database)
        self.jobs = Jobs(database)

    @classmethod
    def open(cls, url: str, *, datasets_dir: Path) -> "Store":
        """Return the store at a SQLAlchemy ``url``; StorageError when it cannot be opened."""
        return cls(Database.open(url), datasets_dir)

    def close(self) -> None:
        self._database.close()

    def transaction(self) -> AbstractContextManager[Connection]:
        """Join the store's calls inside a ``with`` block into one transaction."""
        return self._database.transaction()
