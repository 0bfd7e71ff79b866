"""How something is made, told as JSON: it comes back as it was, and nothing is looked up but a few classes."""

import json

import pytest
from torch import nn

from policies.extractors import JointExtractor
from policies.recipes import KNOWN, decode, encode
from policies.sizes import FULL, TINY
from tests.policies.models import KINDS


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 0.25, "text", [1, [2, "3"]], {}, {"a": {"b": [None]}}, TINY, FULL["movement_ppo"], *KNOWN.values()],
    ids=str,
)
def test_what_is_told_comes_back(value):
    told, left_out = encode(value)
    assert left_out == []
    assert decode(json.loads(json.dumps(told))) == value


@pytest.mark.parametrize("kind", KINDS)
def test_the_arguments_of_policies_come_back(kind):
    arguments = KINDS[kind][3]
    told, left_out = encode(arguments)
    assert left_out == [] and decode(json.loads(json.dumps(told))) == arguments


def test_what_cannot_be_told_is_left_out_by_its_name():
    told, left_out = encode({"rate": lambda share: share, "deep": {"er": [nn.Module()]}, "class": int, "gamma": 0.9})
    assert left_out == ["class", "deep", "rate"]
    assert told["gamma"] == 0.9 and not {"rate", "class"} & set(told)


def test_a_class_that_only_bears_a_known_name_is_not_told():
    impostor = type("JointExtractor", (), {})
    assert encode(impostor, "made")[1] == ["made"]
    assert encode(JointExtractor)[1] == []


@pytest.mark.parametrize("name", ["os.system", "eval", "policies.extractors.JointExtractor", "Linear", "", 3])
def test_no_other_class_is_looked_up(name):
    with pytest.raises(ValueError, match=r"class is .*expected one of"):
        decode({"$class": name})
