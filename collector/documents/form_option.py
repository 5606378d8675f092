"""The option by which a destination that takes JSON gets documents in a form of their own."""

from pydantic import Field, field_validator

from collector.documents.form import Form
from collector.documents.forms import FORMS, KEPT, form_of
from collector.values import Section


class FormOption(Section):
    """Mixed into the `Settings` of an output: `class Settings(FormOption, ShipperSettings)`."""

    document: str = Field(
        KEPT,
        description="the form of documents: pilotfish, ecs (Elastic Common Schema) or otel (OpenTelemetry)",
        json_schema_extra={"enum": [*FORMS]},
    )

    @field_validator("document")
    @classmethod
    def _document_is_a_form(cls, name: str) -> str:
        form_of(name)
        return name

    @property
    def form(self) -> Form:
        """How documents are written for the destination."""
        return form_of(self.document)
