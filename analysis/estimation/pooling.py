"""Variances for domains with too few PSUs, pooled across all domains of a kind (streets of a city).

With m PSUs a direct variance has m − 1 degrees of freedom; at m = 2 … 5 it is unusable, and with unanimous
PSUs it is 0. The generalized variance function used here (Wolter 2007, ch. 7, with the model of Gabler,
Häder & Lahiri 1999 for its form) writes the variance of a domain mean as

    V_d = S²_d / n*_d · [1 + (b*_d − 1) ρ],   n* = (Σw)²/Σw²,   b* = Σ_psu (Σw)² / Σw²

so that unequal weights and cluster sizes stay the domain's own, and only the intra-cluster correlation ρ is
pooled: it is estimated from every domain's direct variance, weighted by degrees of freedom and cluster size.
Certainty PSUs, whose households are PSUs, have b* near 1 and say nothing about ρ, as it should be.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.errors import AnalysisError
from analysis.estimation.intervals import mean_interval, proportion_interval
from analysis.estimation.result import Estimate

MIN_PSUS = 6


@dataclass(frozen=True, eq=False)
class PooledEstimate:
    """Estimates of which some carry a pooled variance; arrays have one entry per domain.

    se, df : pooled where `pooled`, direct elsewhere
    pooled : which domains use the pooled variance
    n_effective : n*/deff under the model for pooled domains, the direct one elsewhere
    rho : pooled intra-cluster correlation; rho_df : its degrees of freedom
    direct : the estimate that went in
    note : one sentence for the table's foot
    """

    direct: Estimate
    se: np.ndarray
    df: np.ndarray
    pooled: np.ndarray
    n_effective: np.ndarray
    rho: float
    rho_df: float
    min_psus: int

    @property
    def estimate(self) -> np.ndarray:
        return self.direct.estimate

    @property
    def note(self) -> str:
        return (
            f"{int(self.pooled.sum())} of {len(self.pooled)} domains have fewer than {self.min_psus} PSUs; "
            f"their variance is pooled across domains (intra-cluster correlation {self.rho:.3f}, "
            f"{self.rho_df:.0f} degrees of freedom)"
        )

    def ci(self, level: float = 0.95, method: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(low, high). Pooled proportions use Wilson's interval with the model's effective size, others as
        `Estimate.ci`; means use t with the pooled degrees of freedom.
        """
        low, high = self.direct.ci(level, method)
        if self.direct.is_proportion:
            p = self.direct.estimate
            model = p * (1 - p) / self.n_effective
            own_low, own_high = proportion_interval(
                p,
                model,
                method="wilson",
                level=level,
                df=self.df,
                n=self.direct.n,
                n_at_bounds=self.n_effective,
            )
        else:
            own_low, own_high = mean_interval(self.direct.estimate, self.se, self.df, level)
        return np.where(self.pooled, own_low, low), np.where(self.pooled, own_high, high)


def pool_variances(
    direct: Estimate,
    *,
    min_psus: int = MIN_PSUS,
    group: np.ndarray | None = None,
) -> PooledEstimate:
    """Give domains with fewer than `min_psus` PSUs a variance pooled across domains.

    Parameters
    ----------
    direct : means or proportions of one item over domains (`mean(design, item, by='street')`)
    min_psus : domains with fewer use the pooled variance
    group : pool only within these groups (e.g. urban and rural), shape (n_domains,); None: all together

    Raises
    ------
    AnalysisError : no domain has two PSUs in a stratum, so that nothing can be pooled

    Notes
    -----
    The interval of a pooled domain has the degrees of freedom behind ρ (Σ df_d over the domains that inform
    it,
    discounted by how unequally they do: Satterthwaite 1946), plus nothing of its own. Domains that differ
    truly in ρ are covered on average, not each: the note says that the variance is pooled.
    """
    n_psus = direct.n_psus
    if direct.statistic not in ("mean", "proportion"):
        raise AnalysisError(f"variances are pooled for means and proportions, not for a {direct.statistic}")
    groups = (
        np.zeros(len(n_psus), dtype=np.int64) if group is None else np.unique(group, return_inverse=True)[1]
    )
    known = direct.n > 0
    pooled = known & (n_psus < min_psus)
    se, df, size = direct.se.copy(), direct.df.copy(), direct.n_effective.copy()
    rhos, dfs = [], []
    for g in range(groups.max(initial=0) + 1):
        mine = known & (groups == g)
        if not (mine & pooled).any():
            continue
        rho, rho_df, deff, element = _fit(direct, mine)
        variance = element * deff / direct.n_kish
        own = mine & pooled
        se[own], df[own], size[own] = np.sqrt(variance[own]), rho_df, (direct.n_kish / deff)[own]
        rhos.append(rho)
        dfs.append(rho_df)
    return PooledEstimate(
        direct,
        se,
        df,
        pooled,
        size,
        float(np.mean(rhos)) if rhos else float("nan"),
        float(np.min(dfs)) if dfs else float("nan"),
        min_psus,
    )


def _fit(direct: Estimate, mine: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """ρ and its df, and for every domain the model's design effect and element variance."""
    b = np.where(mine, np.nan_to_num(direct.cluster_take, nan=1.0), 1.0)
    element = np.where(mine & (direct.n > 1), np.nan_to_num(direct.element_variance), np.nan)
    usable = mine & (np.nan_to_num(direct.df) > 0) & (element > 0)
    if not usable.any():
        raise AnalysisError(
            "no domain has two PSUs in a stratum: there is no variance between PSUs to pool. Pool over more "
            "domains, or join strata."
        )
    rho = 0.0
    n_kish = np.where(direct.n_kish > 0, direct.n_kish, np.nan)  # a domain without answers has none
    # The sample's S² falls short of the population's by the factor 1 − deff/n*, which depends on ρ itself.
    for _ in range(20):
        deff = np.maximum(1 + (b - 1) * rho, 0.05)
        corrected = element / np.clip(1 - deff / n_kish, 0.2, 1.0)
        relative = direct.variance[usable] * n_kish[usable] / corrected[usable]
        weight = direct.df[usable] * (b[usable] - 1)
        base = np.sum(weight * (b[usable] - 1))
        new = float(np.sum(weight * (relative - 1)) / base) if base > 0 else 0.0
        # A stratified sample may do better than a simple one, but a pooled variance must not rest on luck.
        new = min(max(new, 0.0), 1.0)
        if abs(new - rho) < 1e-10:
            break
        rho = new
    deff = 1 + (b - 1) * rho
    corrected = element / np.clip(1 - deff / n_kish, 0.2, 1.0)
    share = direct.df[usable] * (b[usable] - 1) ** 2
    share = share if share.sum() > 0 else direct.df[usable]
    rho_df = share.sum() ** 2 / np.sum(share**2 / direct.df[usable])
    smoothed = _smooth_element_variance(direct, corrected, mine, deff)
    return rho, float(rho_df), deff, smoothed


def _smooth_element_variance(
    direct: Estimate, corrected: np.ndarray, mine: np.ndarray, deff: np.ndarray
) -> np.ndarray:
    """Shrink the domains' S² towards their common value (Smyth 2004, empirical Bayes for variances).

    The weight of the common value is estimated from how much log S² varies beyond chance, so that a street of
    40 answers keeps most of its own spread and one of 5 answers little of it.
    """
    size = np.where(mine, direct.n_kish / deff - 1, np.nan)
    use = mine & (corrected > 0) & (size > 0.5)
    if use.sum() == 0:
        return corrected
    half = size[use] / 2
    common = np.sum(size[use] * corrected[use]) / np.sum(size[use])
    if use.sum() < 3:
        prior = np.inf
    else:
        logs = np.log(corrected[use]) - special.digamma(half) + np.log(half)
        excess = np.var(logs, ddof=1) - np.mean(special.polygamma(1, half))
        prior = 2 * _inverse_trigamma(excess) if excess > 0 else np.inf
    own = np.where(mine & (size > 0), size, 0.0)
    value = np.nan_to_num(corrected)
    if np.isinf(prior):
        return np.where(mine, common, np.nan)
    return np.where(mine, (own * value + prior * common) / (own + prior), np.nan)


def _inverse_trigamma(value: float) -> float:
    """Newton's method of Smyth (2004), appendix."""
    if value > 1e7:
        return 1 / np.sqrt(value)
    y = 0.5 + 1 / value
    for _ in range(50):
        tri = special.polygamma(1, y)
        step = tri * (1 - tri / value) / special.polygamma(2, y)
        y += step
        if -step / y < 1e-8:
            break
    return float(y)
