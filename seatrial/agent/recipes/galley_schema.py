"""The JSON Schema of galley.yml, with which editors complete and check it while it is written.

Draft 7, which the language servers of editors know best.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from seatrial.agent.recipes.galley import File

DRAFT = "http://json-schema.org/draft-07/schema#"
EITHER = [{"required": ["build"]}, {"required": ["image"]}]


class _Untitled(GenerateJsonSchema):
    """Without the titles that repeat each key: an editor would show them in place of what the key is for."""

    schema_dialect = DRAFT

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def galley_schema() -> JsonSchemaValue:
    """What `galley.read` accepts, as far as a schema can say it."""
    schema = File.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_Untitled)
    definitions = schema.pop("$defs")
    for one in definitions.values():
        one.pop("title")
    definitions["ServiceKeys"]["anyOf"] = EITHER
    schema["properties"]["services"]["additionalProperties"] = (
        False  # pydantic leaves out what a name must be like
    )
    about = {"title": "galley.yml", "description": "How Seatrial runs a preview of this repository."}
    return {"$schema": DRAFT, **schema, **about, "definitions": definitions}
