"""The decision framework: which approach and which AWS service a recognition problem wants.

``recommend(problem)`` is the whole interface. Pure standard library, deterministic, no AWS call and no
clock, so that it runs in a Lambda and in a test alike; the tables it reads lie in ``advisor/data``.
"""

from advisor.engine import recommend
from advisor.problem import Problem, ProblemError

__all__ = ["Problem", "ProblemError", "recommend"]
