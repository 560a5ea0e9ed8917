"""A full result document: the methodology of a real run, figures of an invented city in its second round.

The document's own rules hold: `claims` lists what is claimed, ranks are sets, the first street's figure is
masked, one indicator was worded differently last time.
"""

import copy
import random

NAMES = (
    "舜华路",
    "龙洞",
    "姚家",
    "燕山",
    "文化东路",
    "千佛山",
    "甸柳新村",
    "智远",
    "大明湖",
    "泺源",
    "杆石桥",
    "魏家庄",
)
DISTRICTS = (("370105000000", "天桥区"), ("370102000000", "历下区"), ("370103000000", "市中区"))
MATTERS = ("停车秩序", "物业服务", "环境卫生", "社区医疗", "社区治安", "养老服务", "电动车充电", "政务办事")
SCORES = (
    ("score", "满意度得分", "mean_score", 75.0),
    ("office", "政务办事", "mean_score", None),
    ("parking", "停车秩序", "mean_score", None),
    ("share", "满意率", "share", 0.8),
)

THEMES = (("停车难、乱停车", 0.31), ("物业不管事", 0.22), ("老旧小区漏水", 0.09))


def full_document(base, *, streets=12, seed=7):
    """The document `base` of a small run with everything that a full one has."""
    made = _Sample(base, streets, random.Random(seed))
    return made.document


class _Sample:
    def __init__(self, base, streets, dice):
        self.dice, self.document = dice, copy.deepcopy(base)
        self.claims = []
        self._places(streets)
        self._indicators()
        for code, _name, kind, target in SCORES:
            self._figures(code, 0.01 if kind == "share" else 1.0, target)
        self._beside()
        self.document["claims"] = base["claims"] | {"tests": 400, "list": self.claims}
        self.document["notices"] = [
            {"code": "wording_changed", "indicator": "parking", "items": ["Q20"]},
            {"code": "mode_mix"},
        ]

    def _places(self, streets):
        base = self.document["domains"]
        regions = [{"key": "all", "kind": "all", "label": "济南市", "parent": ""}]
        for key, label in DISTRICTS:
            regions.append({"key": key, "kind": "district", "label": label, "parent": "all"})
        for key, _label in DISTRICTS:
            for n in range(1, streets + 1):
                name = NAMES[(n - 1) % len(NAMES)] + ("街道" if n <= len(NAMES) else f"{n} 街道")
                regions.append({"key": f"{key[:6]}{n:03}000", "kind": "street", "label": name, "parent": key})
        people = [d for d in base if d["kind"] in ("sex", "age")]
        self.document["domains"] = regions + people
        self.keys = {
            kind: [d["key"] for d in self.document["domains"] if d["kind"] == kind]
            for kind in ("all", "district", "street", "sex", "age")
        }

    def _indicators(self):
        first = {i["code"]: i for i in self.document["indicators"]}
        self.document["indicators"] = [
            first["share" if kind == "share" else "score"] | {"code": code, "name": name, "target": target}
            for code, name, kind, target in SCORES
        ]

    def _figures(self, code, scale, target):
        cells, level = {}, {"score": 71.0, "office": 82.0, "parking": 58.0, "share": 76.0}[code]
        for kind, keys in self.keys.items():
            half = {"all": 1.1, "district": 2.2, "street": 4.5, "sex": 1.6, "age": 2.4}[kind]
            for key in keys:
                value = level + self.dice.gauss(0, {"street": 6, "district": 3}.get(kind, 1))
                cells[key] = self._cell(value, half, scale)
        cells[self.keys["street"][0]] = {"suppressed": "masked"}
        self.document["estimates"][code] = cells
        whole = cells["all"]["estimate"]
        self.document["comparisons"][code] = {
            kind: self._compared(code, kind, cells, whole, scale)
            for kind in ("district", "street", "sex", "age")
        }
        self.document["ranks"][code] = {kind: self._ranks(kind, cells) for kind in ("district", "street")}
        places = [k for kind in ("all", "district", "street") for k in self.keys[kind]]
        rows = {}
        for key in places if target is not None else []:
            if "suppressed" not in cells[key]:
                rows[key] = self._test("target", code, key, cells[key]["estimate"] - target, 3 * scale, 3.4)
                rows[key]["target"] = target
        self.document["targets"][code] = rows

    def _cell(self, value, half, scale):
        n = int(60000 / half**2 / 10)
        return {
            "estimate": value * scale, "se": half / 2 * scale, "se_linearised": half / 2 * scale,
            "se_fixed": half / 2 * scale, "low": (value - half) * scale, "high": (value + half) * scale,
            "df": 40.0, "n": n, "n_effective": n / 1.6, "deff": 1.6, "variance": "bootstrap",
        }  # fmt: skip

    def _test(self, kind, code, key, difference, half, strict):
        """A test row; claimed where the difference is `strict` thirds of its half width away from 0."""
        claimed = abs(difference) > half * strict / 3
        row = {
            "difference": difference, "low": difference - half, "high": difference + half, "p": 0.01,
            "p_adjusted": 0.02, "claimed": claimed,
            "verdict": "unsure" if not claimed else "above" if difference > 0 else "below",
        }  # fmt: skip
        if claimed:
            self.claims.append({"kind": kind, "indicator": code, "domain": key, **row})
        return row

    def _compared(self, code, kind, cells, whole, scale):
        shown = [k for k in self.keys[kind] if "suppressed" not in cells[k]]
        half = {"street": 4.6, "district": 2.0}.get(kind, 2.0) * scale
        against = {}
        for key in shown:
            row = self._test("against_all", code, key, cells[key]["estimate"] - whole, half, 4)
            against[key] = row | {"differs": row["claimed"], "margin": half}
        apart = {
            a: [b for b in shown if abs(cells[a]["estimate"] - cells[b]["estimate"]) > 2 * half]
            for a in shown
        }
        return {"against_all": against, "apart": apart, "median_margin": 2 * half}

    def _ranks(self, kind, cells):
        shown = {k: cells[k] for k in self.keys[kind] if "suppressed" not in cells[k]}
        low = {k: 1 + sum(o["low"] > c["high"] for o in shown.values()) for k, c in shown.items()}
        high = {k: len(shown) - sum(o["high"] < c["low"] for o in shown.values()) for k, c in shown.items()}
        return {"low": low, "high": high, "level": 0.995, "method": "test"}

    def _beside(self):
        estimates, places = (
            self.document["estimates"],
            [*self.keys["all"], *self.keys["district"], *self.keys["street"]],
        )
        change, trend = {}, {}
        for code, _name, kind, _target in SCORES:
            scale = 0.01 if kind == "share" else 1.0
            shown = [k for k in places if "suppressed" not in estimates[code][k]]
            moved = {
                k: self.dice.gauss({"score": 3.5, "share": 0.4}.get(code, -3.6), 1.0) * scale for k in shown
            }
            status = "wording_changed" if code == "parking" else "tested"
            rows = {}
            for key in shown if status == "tested" else []:
                half = {"all": 1.4, "district": 3.0, "street": 6.0}[self._kind(key)] * scale
                rows[key] = self._test("change", code, key, moved[key], half, 3.3)
                rows[key]["before"] = estimates[code][key]["estimate"] - moved[key]
            same = {
                mode: {
                    "all": {
                        "before": 0.7 * 100 * scale,
                        "difference": 2.1 * scale,
                        "se": 0.9 * scale,
                        "df": 30.0,
                        "covariance": 0.0,
                        "n": 4200,
                        "n_before": 3900,
                    }
                }
                for mode in ("web", "door")
            }
            change[code] = {"status": status, "items": ["Q20"], "domains": rows, "same_mode": same}
            trend[code] = [
                self._past(code, "2025 年下半年", 1, "wording_changed", 6 * scale, shown),
                self._past(code, "2026 年上半年", 2, status, 4 * scale, shown),
                self._past(code, "2026 年夏", 3, status, 0, shown, moved),
            ]
        previous = {
            "round": "2026 年夏",
            "number": 3,
            "report": "2026-0001",
            "hash": "0" * 64,
            "has_sample": True,
        }
        self.document |= {
            "change": {
                "previous": previous,
                "shared_psus": 212,
                "mode_mix_changed": True,
                "indicators": change,
            },
            "trend": trend,
            "drivers": {
                "indicator": "score",
                "outcome": "Q20",
                "domains": {
                    "all": self._drivers(5800, 0.04),
                    self.keys["district"][0]: self._drivers(640, 0.1),
                    self.keys["district"][1]: {"refused": "few"},
                },
            },
            "themes": {
                "Q24": {
                    "texts": 812,
                    "reviewed": 780,
                    "coded": 770,
                    "themes": [
                        {
                            "code": n,
                            "label": label,
                            "domains": {
                                "all": {"share": share, "low": share - 0.03, "high": share + 0.03, "n": 770}
                            },
                        }
                        for n, (label, share) in enumerate(THEMES)
                    ],
                }
            },
        }
        self.document["items"] |= {m: {"label": {"zh-hans": m}, "choices": []} for m in MATTERS}
        self.document["small_areas"] = {
            "score": {
                "refused": {},
                "street": {
                    self.keys["street"][0]: {
                        "estimate": 66.0,
                        "se": 2.0,
                        "low": 62.0,
                        "high": 70.0,
                        "own": 0.4,
                        "method": "fay_herriot",
                    }
                },
                "community": {
                    c["key"]: {
                        "estimate": 64.0,
                        "se": 2.5,
                        "low": 59.1,
                        "high": 68.9,
                        "own": 0.3,
                        "method": "fay_herriot",
                    }
                    for c in self.document["communities"]
                },
            }
        }
        self.document["modes"] = {"mix": {k: {"web": 0.62, "door": 0.38} for k in places}, "changed": True}
        item = self.document["distributions"]["Q20"]["domains"]
        self.document["distributions"]["Q20"]["domains"] = {
            k: item.get(k, item["all"]) for k in [*places, *item]
        }

    def _kind(self, key):
        return next(kind for kind, keys in self.keys.items() if key in keys)

    def _past(self, code, name, number, status, shift, shown, moved=None):
        cells = self.document["estimates"][code]
        domains = {}
        for key in shown:
            by = moved[key] if moved else shift
            domains[key] = {n: cells[key][n] - by for n in ("estimate", "low", "high")} | {
                "n": cells[key]["n"]
            }
        return {
            "round": name,
            "number": number,
            "report": f"2026-000{number}",
            "status": status,
            "domains": domains,
        }

    def _drivers(self, n, half):
        drivers = []
        for place, name in enumerate(MATTERS):
            importance = (0.24, 0.21, 0.15, 0.11, 0.1, 0.08, 0.06, 0.05)[place]
            performance = (58.0, 63.0, 79.0, 71.5, 84.0, 70.0, 61.0, 83.0)[place]
            bounds = (importance - half, importance + half, performance - 60 * half, performance + 60 * half)
            sure = not (bounds[0] < 0.125 < bounds[1] or bounds[2] < 71.2 < bounds[3])
            high, good = importance > 0.125, performance > 71.2
            quadrant = {(True, False): "fix_first", (True, True): "keep_up", (False, False): "low_priority",
                        (False, True): "possible_excess"}[high, good]  # fmt: skip
            drivers.append({
                "name": name, "importance": importance, "importance_low": max(bounds[0], 0.0),
                "importance_high": bounds[1], "performance": performance, "performance_low": bounds[2],
                "performance_high": bounds[3], "n": n, "quadrant": quadrant, "sure": sure,
            })  # fmt: skip
        return {"r2": 0.46, "n": n, "importance_line": 0.125, "performance_line": 71.2, "drivers": drivers}
