from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from core.failures import RefusedError
from core.reasons import Reason
from server.codec.payload import payload


def through(value: dict[str, Any]) -> Any:
    return payload(ParseDict(value, Struct()), "payload")


def test_a_payload_comes_out_as_it_went_in() -> None:
    given: dict[str, Any] = {
        "text": "zażółć",
        "none": None,
        "yes": True,
        "no": False,
        "list": [1, "two", [], {"three": 3.5}],
        "empty": {},
    }
    assert through(given) == given


def test_whole_numbers_stay_whole_where_that_is_exact() -> None:
    found = through({"rows": 3, "zero": -0.0, "half": 0.5, "most": 2**53, "beyond": 1e300})
    assert {name: type(value) for name, value in found.items()} == {
        "rows": int,
        "zero": int,
        "half": float,
        "most": int,
        "beyond": float,
    }
    assert found["most"] == 2**53


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_of_json_is_refused(number: float) -> None:
    message = Struct()
    message.fields["deep"].list_value.values.add().struct_value.fields["x"].number_value = number
    with pytest.raises(RefusedError) as refused:
        payload(message, "spec.payload")
    assert refused.value.failure.reason is Reason.FIELDS_INVALID
    assert [fault.field for fault in refused.value.failure.fields] == ["spec.payload"]
