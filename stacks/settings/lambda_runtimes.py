"""Until when Lambda supports the runtimes that the templates use, with the day on which that was looked up."""

from __future__ import annotations

import datetime

# Lambda developer guide, "Lambda runtimes", column "Deprecation date". Those of Node.js are of CDK's own functions.
CHECKED_ON = datetime.date(2026, 11, 30)
END_OF_SUPPORT = {
    "python3.14": datetime.date(2029, 6, 30),
    "python3.13": datetime.date(2029, 6, 30),
    "nodejs24.x": datetime.date(2028, 4, 30),
    "nodejs22.x": datetime.date(2027, 4, 30),
}
