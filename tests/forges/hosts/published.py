"""What a forge has published about its API: schemas that everything said to it and by it is held against."""

import copy
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parent.parent / "schemas"


class Published:
    """The operations of one forge, such as `GET /user`."""

    def __init__(self, name: str) -> None:
        self._document = json.loads((SCHEMAS / f"{name}.json").read_text())
        self._examples: dict[str, Any] = {}

    def example(self, operation: str) -> Any:
        """A published answer, to be changed. Where it does not fit the schema published beside it, it is mended."""
        if operation not in self._examples:
            self._examples[operation] = self._mended(operation)
        return copy.deepcopy(self._examples[operation])

    def _mended(self, operation: str) -> Any:
        example = copy.deepcopy(self._operation(operation)["example"])
        validator = self._validator(self._operation(operation)["response"])
        for error in list(validator.iter_errors(example)):
            path = list(error.absolute_path)
            thing = example[path.pop(0)] if isinstance(example, list) else example
            if path:
                thing.pop(path[0], None)
            elif error.validator == "required":
                thing.update({name: None for name in error.validator_value if name not in thing})
        return example

    def status(self, operation: str) -> int:
        """The status of success."""
        return int(self._operation(operation)["status"])

    def check_request(self, operation: str, body: Any) -> None:
        """Raise ValidationError if a client of the real forge would be refused."""
        self._check(self._operation(operation)["request"], body)

    def unknown(self, operation: str, query: Iterable[str]) -> set[str]:
        """Parameters that the operation does not have. A real forge ignores them, and gives another answer."""
        return set(query) - set(self._operation(operation).get("query", []))

    def check_answer(self, operation: str, body: Any) -> None:
        """Raise ValidationError if the real forge would never say that."""
        self._check(self._operation(operation)["response"], body)

    def check(self, schema: str, body: Any) -> None:
        """Raise ValidationError if the real forge would never say that where it says something of this shape."""
        self._check({"$ref": f"#/schemas/{schema}"}, body)

    def _operation(self, operation: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document["operations"][operation]
        return found

    def _check(self, schema: Any, body: Any) -> None:
        if schema is not None:
            self._validator(schema).validate(body)

    def _validator(self, schema: Any) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator({**schema, "schemas": self._document["schemas"]})


@cache
def published(name: str) -> Published:
    """Read once."""
    return Published(name)
