"""Lines of klog: those of Kubernetes' documentation (system logs), and of its components."""

import re
from typing import ClassVar

from tests.contract.formats import Corpus, FormatContract


class TestKlog(FormatContract):
    name = "klog"
    fits: ClassVar[Corpus] = {
        "I1025 00:15:15.525108       1 httplog.go:79] GET /api/v1/namespaces/kube-system/pods: (1.512ms) 200": {
            "level": "info", "time": "1025 00:15:15.525108", "thread": 1, "file": "httplog.go", "line": 79,
            "message": "GET /api/v1/namespaces/kube-system/pods: (1.512ms) 200",
        },
        'I1025 00:15:15.525108       1 controller_utils.go:116] "Pod status updated" pod="a/kubedns" status="ready"': {
            "level": "info", "time": "1025 00:15:15.525108", "thread": 1, "file": "controller_utils.go", "line": 116,
            "message": '"Pod status updated" pod="a/kubedns" status="ready"',
        },
        "W0923 14:02:11.345678       1 warnings.go:70] v1 ComponentStatus is deprecated in v1.19+": {
            "level": "warn", "time": "0923 14:02:11.345678", "thread": 1, "file": "warnings.go", "line": 70,
            "message": "v1 ComponentStatus is deprecated in v1.19+",
        },
        "E0923 14:02:11.345678 1234567 reflector.go:138] k8s.io/client-go/informers/factory.go:134: Failed to watch": {
            "level": "error", "time": "0923 14:02:11.345678", "thread": 1234567, "file": "reflector.go", "line": 138,
            "message": "k8s.io/client-go/informers/factory.go:134: Failed to watch",
        },
        "F0101 00:00:00.000000      42 main.go:1] cannot start": {
            "level": "fatal", "time": "0101 00:00:00.000000", "thread": 42, "file": "main.go", "line": 1,
            "message": "cannot start",
        },
        "I20240102 15:04:05.123456 12345 file.cc:123] glog with a year": {
            "level": "info", "time": "20240102 15:04:05.123456", "thread": 12345, "file": "file.cc", "line": 123,
            "message": "glog with a year",
        },
        "I0102 15:04:05.123456       1 <unknown>:1] from assembly": {
            "level": "info", "time": "0102 15:04:05.123456", "thread": 1, "file": "<unknown>", "line": 1,
            "message": "from assembly",
        },
        "I0102 15:04:05.123456       1 a.go:1] ": {
            "level": "info", "time": "0102 15:04:05.123456", "thread": 1, "file": "a.go", "line": 1,
        },
        "I0102 15:04:05.123456       1 a.go:1]": {
            "level": "info", "time": "0102 15:04:05.123456", "thread": 1, "file": "a.go", "line": 1,
        },
        "E0102 15:04:05.123456       1 runtime.go:77] Observed a panic: größe\ngoroutine 1 [running]:\n\tmain.main()": {
            "level": "error", "time": "0102 15:04:05.123456", "thread": 1, "file": "runtime.go", "line": 77,
            "message": "Observed a panic: größe\ngoroutine 1 [running]:\n\tmain.main()",
        },
        "I0102 15:04:05.123456       1 a.go:1]   indented] with a bracket": {
            "level": "info", "time": "0102 15:04:05.123456", "thread": 1, "file": "a.go", "line": 1,
            "message": "  indented] with a bracket",
        },
    }  # fmt: skip
    unfit = (
        "",
        "I0102 15:04:05.123456",
        "I0102 15:04:05.123456       1 a.go:",
        "D0102 15:04:05.123456       1 a.go:1] a letter that klog does not have",
        "i0102 15:04:05.123456       1 a.go:1] small",
        "I0102 15:04:05.123       1 a.go:1] milliseconds",
        "I0102 15:04:05.123456      -1 a.go:1] negative",
        "Flag --port has been deprecated, This flag has no effect now",
        '{"ts":1580306777.04728,"v":4,"msg":"Pod status updated"}',
    )

    def words(self, text: str) -> str:
        return re.sub(r"^[IWEF]", "", text)
