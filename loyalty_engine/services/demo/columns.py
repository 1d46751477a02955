"""Turns whole columns of doubles into exact money, at the cost of a few thousand conversions instead of millions."""

import pyarrow as pa
import pyarrow.compute as pc

from loyalty_engine.services.imports.doubles import minor_of


def minor_column(column: pa.ChunkedArray, currency: str) -> pa.Int64Array:
    """Turn each distinct value into minor units once, through its decimal text.

    Raises ValueError for a value that is no amount in `currency`.
    """
    coded = column.combine_chunks().dictionary_encode()
    minors = pa.array([minor_of(value, currency) for value in coded.dictionary.to_pylist()], pa.int64())
    return pc.take(minors, coded.indices)
