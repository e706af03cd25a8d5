"""Answers the calls of SchedulesService."""

from __future__ import annotations

from core.schedules.use_cases import Schedules
from howdah.schedules.v1 import schedules_pb2 as pb
from server.codec import schedules as codec
from server.service import Service, Unary


def schedules_service(schedules: Schedules) -> Service:
    """Returns the table of the service."""
    return Service(
        pb.DESCRIPTOR.services_by_name["SchedulesService"],
        {
            "CreateSchedule": Unary(codec.new_schedule, schedules.create, codec.created),
            "GetSchedule": Unary(codec.schedule_id, schedules.get, codec.found),
            "ListSchedules": Unary(codec.schedule_page, schedules.list, codec.schedules),
            "UpdateSchedule": Unary(codec.changed_schedule, schedules.update, codec.updated),
            "DeleteSchedule": Unary(codec.schedule_id, schedules.delete, codec.deleted),
            "PauseSchedule": Unary(codec.schedule_id, schedules.pause, codec.paused),
            "ResumeSchedule": Unary(codec.schedule_id, schedules.resume, codec.resumed),
            "RunSchedule": Unary(codec.schedule_id, schedules.run, codec.run),
            "PreviewSchedule": Unary(codec.preview_query, schedules.preview, codec.preview),
        },
    )
