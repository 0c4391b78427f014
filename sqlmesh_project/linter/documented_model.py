"""The convention on documentation: everything about a table stands in its own file."""

from sqlmesh.core.linter.rule import Rule, RuleViolation
from sqlmesh.core.model import ExternalModel, Model


class DocumentedModel(Rule):
    """Every model has a description, a grain, a description of each column, and audits."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Return what the model lacks, all of it in one message, or None."""
        if isinstance(model, ExternalModel):
            return None
        lacking = [
            name
            for name, is_there in (
                ("a description", bool(model.description)),
                ("a grain", bool(model.grains)),
                ("audits", bool(model.audits)),
            )
            if not is_there
        ]
        undescribed = sorted(
            set(model.columns_to_types or ()) - set(model.column_descriptions or ())
        )
        if undescribed:
            lacking.append(f"descriptions of {', '.join(undescribed)}")
        if lacking:
            return self.violation(f"{model.name} lacks {'; '.join(lacking)}.")
        return None
