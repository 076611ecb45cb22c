"""Filters of a query: which documents they let through, and which combinations Firestore refuses."""

import math
from collections.abc import Callable, Iterator, Sequence

from hedge_pipeline.firestore_server import fields, values
from hedge_pipeline.firestore_server.paths import NAME, FieldPath, document_place, field_path
from hedge_pipeline.firestore_server.refusals import invalid
from hedge_pipeline.firestore_server.values import Key, Rank, order_key
from hedge_pipeline.firestore_server.wire import (
    CompositeOperator,
    FieldOperator,
    Message,
    UnaryOperator,
)

Predicate = Callable[[Message], bool]
"""Whether a document is let through."""

MOST_COMPARISONS = {"IN": 30, "ARRAY_CONTAINS_ANY": 30, "NOT_IN": 10}
MOST_DISJUNCTIONS = 30
_NEGATIONS = {FieldOperator.NOT_EQUAL, FieldOperator.NOT_IN}
_UNARY_NEGATIONS = {UnaryOperator.IS_NOT_NAN, UnaryOperator.IS_NOT_NULL}
_RANGES = {
    FieldOperator.LESS_THAN,
    FieldOperator.LESS_THAN_OR_EQUAL,
    FieldOperator.GREATER_THAN,
    FieldOperator.GREATER_THAN_OR_EQUAL,
}
_CONTAINS = {FieldOperator.ARRAY_CONTAINS, FieldOperator.ARRAY_CONTAINS_ANY}
_EQUALITIES = {FieldOperator.EQUAL, FieldOperator.IN}
_LISTS = {FieldOperator.IN, FieldOperator.ARRAY_CONTAINS_ANY}


def predicate(condition: Message) -> Predicate:
    """Read a filter.

    Raises:
        Refused: it is malformed, or its parts may not stand together.
    """
    leaves = list(_leaves(condition))
    _refuse_negations(condition, leaves)
    for leaf in leaves:
        _compared(leaf.field_filter)
    if _contains_filters(condition) > 1:
        raise invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.")
    if (disjunctions := _disjunctions(condition)) > MOST_DISJUNCTIONS:
        raise invalid(
            f"Too many disjunctions after normalization. Result had {disjunctions} disjunctions "
            f"which is more than the maximum of {MOST_DISJUNCTIONS}"
        )
    read = _predicate(condition)
    _refuse_fixed_name(condition, leaves)
    return read


def ordering_fields(condition: Message) -> set[FieldPath]:
    """The fields by which a query with this filter is ordered, and which its documents must therefore have."""
    found = set()
    for leaf in _leaves(condition):
        if leaf.HasField("field_filter"):
            if leaf.field_filter.op in _RANGES | _NEGATIONS:
                found.add(field_path(leaf.field_filter.field.field_path))
        elif leaf.unary_filter.op in _UNARY_NEGATIONS:
            found.add(field_path(leaf.unary_filter.field.field_path))
    return found


def fields_filtered(condition: Message) -> set[FieldPath]:
    """Every field that this filter looks at."""
    leaves = _leaves(condition)
    return {field_path(getattr(leaf, leaf.WhichOneof("filter_type")).field.field_path) for leaf in leaves}


def document_key(document: Message, path: FieldPath) -> Key | None:
    """Where a document stands by a field, or by its own name; ``None``: it has no such field."""
    if path == (NAME,):
        return (Rank.REFERENCE, values.name_key(document.name))
    value = fields.value_at(document.fields, path)
    return None if value is None else order_key(value)


def _predicate(condition: Message) -> Predicate:
    match condition.WhichOneof("filter_type"):
        case "composite_filter":
            return _composite(condition.composite_filter)
        case "field_filter":
            return _field(condition.field_filter)
        case "unary_filter":
            return _unary(condition.unary_filter)
    raise invalid("Unknown filter type.")


def _composite(condition: Message) -> Predicate:
    parts = [_predicate(part) for part in condition.filters]
    match condition.op:
        case CompositeOperator.AND:
            return lambda document: all(part(document) for part in parts)
        case CompositeOperator.OR:
            return lambda document: any(part(document) for part in parts)
    raise invalid("Unsupported CompositeFilter operator.")


def _unary(condition: Message) -> Predicate:
    path = field_path(condition.field.field_path)
    if condition.op not in set(UnaryOperator) - {UnaryOperator.OPERATOR_UNSPECIFIED}:
        raise invalid("Unknown UnaryFilter operator.")
    if path == (NAME,):
        raise invalid("__key__ filter value must be a Key")

    def holds(document: Message) -> bool:
        value = fields.value_at(document.fields, path)
        if value is None:
            return False
        match condition.op:
            case UnaryOperator.IS_NULL:
                return values.is_null(value)
            case UnaryOperator.IS_NAN:
                return values.is_nan(value)
            case UnaryOperator.IS_NOT_NULL:
                return not values.is_null(value)
        return not values.is_nan(value) and not values.is_null(value)

    return holds


def _field(condition: Message) -> Predicate:
    path, operator = field_path(condition.field.field_path), FieldOperator(condition.op)
    if operator is FieldOperator.OPERATOR_UNSPECIFIED:
        raise invalid("Unknown FieldFilter operator.")
    compared = _compared(condition)
    if path == (NAME,):
        if operator in _CONTAINS:
            raise invalid("the name __key__ is reserved")
        _refuse_other_than_documents(compared)
    asks_for_null = any(map(values.is_null, compared))
    # Nothing equals NaN here; for that there is a filter of its own.
    keys = [order_key(value) for value in compared if not values.is_null(value) and not values.is_nan(value)]

    def holds(document: Message) -> bool:
        key = document_key(document, path)
        return key is not None and _holds(operator, key, keys, asks_for_null=asks_for_null)

    return holds


def _holds(operator: FieldOperator, key: Key, keys: list[Key], *, asks_for_null: bool) -> bool:
    match operator:
        case FieldOperator.EQUAL | FieldOperator.IN:
            return key in keys
        case FieldOperator.NOT_EQUAL | FieldOperator.NOT_IN:
            return key[0] != Rank.NULL and key not in keys and not asks_for_null
        case FieldOperator.ARRAY_CONTAINS | FieldOperator.ARRAY_CONTAINS_ANY:
            return key[0] == Rank.ARRAY and any(each in keys for each in key[1])
    return any(_in_range(operator, key, bound) for bound in keys)


def _in_range(operator: FieldOperator, key: Key, bound: Key) -> bool:
    if key[0] != bound[0] or key == values.NAN:
        return False
    match operator:
        case FieldOperator.LESS_THAN:
            return key < bound
        case FieldOperator.LESS_THAN_OR_EQUAL:
            return key <= bound
        case FieldOperator.GREATER_THAN:
            return key > bound
    return key >= bound


def _compared(condition: Message) -> list[Message]:
    """The values a filter compares with; several where its operator takes a list."""
    operator, value = FieldOperator(condition.op), condition.value
    most = MOST_COMPARISONS.get(operator.name)
    if most is None:
        return [value]
    if value.WhichOneof("value_type") != "array_value":
        raise invalid(f"'{operator.name}' requires an ArrayValue.")
    if not value.array_value.values:
        raise invalid(f"'{operator.name}' requires an non-empty ArrayValue.")
    if len(value.array_value.values) > most:
        raise invalid(f"'{operator.name}' supports up to {most} comparison values.")
    return list(value.array_value.values)


def _refuse_other_than_documents(compared: list[Message]) -> None:
    for value in compared:
        if value.WhichOneof("value_type") != "reference_value":
            raise invalid("__key__ filter value must be a Key")
        document_place(value.reference_value, "Resource")


def _leaves(condition: Message) -> Iterator[Message]:
    if condition.HasField("composite_filter"):
        for part in condition.composite_filter.filters:
            yield from _leaves(part)
    elif condition.WhichOneof("filter_type") is not None:
        yield condition


def _refuse_negations(condition: Message, leaves: Sequence[Message]) -> None:
    operators = [leaf.field_filter.op for leaf in leaves if leaf.HasField("field_filter")]
    negations = sum(operator in _NEGATIONS for operator in operators)
    negations += sum(leaf.unary_filter.op in _UNARY_NEGATIONS for leaf in leaves)
    if negations > 1:
        raise invalid(
            "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query."
        )
    if FieldOperator.NOT_IN in operators and (_has_or(condition) or _LISTS.intersection(operators)):
        raise invalid("'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.")


def _refuse_fixed_name(condition: Message, leaves: Sequence[Message]) -> None:
    ranged = ordering_fields(condition)
    if ranged and (NAME,) not in ranged and any(map(_fixes_name, leaves)):
        raise invalid(
            "Equality on key is not allowed if there are other inequality fields "
            "and key does not appear in inequalities."
        )


def _fixes_name(leaf: Message) -> bool:
    condition = leaf.field_filter
    return condition.op in _EQUALITIES and bool(condition.field.field_path == NAME)


def _has_or(condition: Message) -> bool:
    composite = condition.composite_filter
    return composite.op == CompositeOperator.OR or any(map(_has_or, composite.filters))


def _disjunctions(condition: Message) -> int:
    """How many alternatives there are once the filter is an OR of ANDs; a list is as many as it has values."""
    if condition.HasField("composite_filter"):
        parts = map(_disjunctions, condition.composite_filter.filters)
        return sum(parts) if condition.composite_filter.op == CompositeOperator.OR else math.prod(parts)
    return len(_compared(condition.field_filter)) if condition.field_filter.op in _LISTS else 1


def _contains_filters(condition: Message) -> int:
    """How many filters on what an array contains a document may have to pass at once."""
    if condition.HasField("composite_filter"):
        parts = [_contains_filters(part) for part in condition.composite_filter.filters]
        return max(parts, default=0) if condition.composite_filter.op == CompositeOperator.OR else sum(parts)
    return int(condition.field_filter.op in _CONTAINS)
