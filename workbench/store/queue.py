"""The newest plan of what to ask about at each site, and the tasks that wait for an answer."""

from pydantic import TypeAdapter
from sqlalchemy import and_, select, update

from workbench.domain import LabelTask, QueuePlan
from workbench.store.database import Database
from workbench.store.frame_filter import FrameState
from workbench.store.tables import frames, label_tasks, queue_plans

__all__ = ["Queue"]

_PLAN = TypeAdapter(QueuePlan)


class Queue:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, plan: QueuePlan, *, is_being_asked: bool) -> None:
        """Make ``plan`` the site's newest; ``is_being_asked`` until :meth:`settle` says that all its tasks are made."""
        row = {"site": plan.site, "plan": _PLAN.dump_python(plan, mode="json"), "is_being_asked": is_being_asked}
        self._database.insert(queue_plans, [row], overwrite=True)

    def settle(self, site: str) -> None:
        """Say that the tasks of the site's newest plan are made."""
        self._database.write(update(queue_plans).where(queue_plans.c.site == site).values(is_being_asked=False))

    def newest(self, site: str) -> QueuePlan | None:
        return self._plan(site, being_asked=None)

    def unfinished(self, site: str) -> QueuePlan | None:
        """Return the plan whose tasks somebody began to make, if that was cut off or is going on."""
        return self._plan(site, being_asked=True)

    def open_tasks(self, site: str, limit: int) -> list[LabelTask]:
        """Return at most ``limit`` tasks that nobody has answered, in the order in which they were made."""
        is_its_frame = and_(frames.c.site == label_tasks.c.site, frames.c.id == label_tasks.c.frame_id)
        query = select(*(column for column in label_tasks.c if column.name != "site")).join(frames, is_its_frame)
        query = query.where(label_tasks.c.site == site, frames.c.state == FrameState.IN_LABELLING.value)
        rows = self._database.rows(query.order_by(label_tasks.c.task_id).limit(limit))
        return [LabelTask(**row._mapping) for row in rows]

    def _plan(self, site: str, *, being_asked: bool | None) -> QueuePlan | None:
        query = select(queue_plans.c.plan).where(queue_plans.c.site == site)
        if being_asked is not None:
            query = query.where(queue_plans.c.is_being_asked == being_asked)
        for row in self._database.rows(query):
            return _PLAN.validate_python(row.plan)
        return None
