"""Estimates from data larger than memory: the rows are summed where they lie, chunk by chunk or in an engine.

    parquet = ParquetFile(path, pre_buffer=False)      # pyarrow would otherwise keep what it has read
    survey = from_chunks(parquet.iter_batches, weights="w", strata="street", clusters="community")
    survey = survey.rake({"sex": {...}, "age": {...}})     # one pass for the weights
    sums = survey.collect(["q01"], categories=["q20"], by=["district", "street"])     # one pass for the rest
    sums.mean(), sums.total(), sums.proportion("q20", levels=["非常满意", "比较满意"], exclude=["不了解"])

Only sums per sampling unit and domain are kept (and per unit and calibration margin); they go to the same
`estimation.finish` as those of `estimation.mean`, so the figures are the same to rounding (1e-9).
"""

from analysis.streaming.design import StreamedDesign, from_chunks, from_ibis
from analysis.streaming.sums import StreamedSums

__all__ = ["StreamedDesign", "StreamedSums", "from_chunks", "from_ibis"]
