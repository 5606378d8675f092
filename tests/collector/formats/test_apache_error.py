"""Error lines of Apache: those of its documentation (logs.html of 2.2 and 2.4, ErrorLogFormat), and others."""

from typing import ClassVar

from tests.contract.formats import Corpus, FormatContract


class TestApacheError(FormatContract):
    name = "apache_error"
    fits: ClassVar[Corpus] = {
        "[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied by server configuration: /export/live": {
            "time": "Wed Oct 11 14:32:52 2000", "level": "error", "client": "127.0.0.1",
            "message": "client denied by server configuration: /export/live",
        },
        "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187] File does not "
        "exist: /usr/local/apache2/htdocs/favicon.ico": {
            "time": "Fri Sep 09 10:42:29.902022 2011", "module": "core", "level": "error", "pid": 35708,
            "tid": 4328636416, "client": "72.15.99.187",
            "message": "File does not exist: /usr/local/apache2/htdocs/favicon.ico",
        },
        "[Thu May 12 08:28:57.652118 2011] [core:error] [pid 8777:tid 4326490112] [client ::1:58619] AH00128: File "
        "does not exist: /x, referer: http://a/": {
            "time": "Thu May 12 08:28:57.652118 2011", "module": "core", "level": "error", "pid": 8777,
            "tid": 4326490112, "client": "::1:58619",
            "message": "AH00128: File does not exist: /x, referer: http://a/",
        },
        "[Mon Jan  1 00:00:00 2024] [notice] caught SIGTERM, shutting down": {
            "time": "Mon Jan  1 00:00:00 2024", "level": "notice", "message": "caught SIGTERM, shutting down",
        },
        "[Tue Jan 02 15:04:05.000001 2024] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.58 (Unix) configured": {
            "time": "Tue Jan 02 15:04:05.000001 2024", "module": "mpm_event", "level": "notice", "pid": 1, "tid": 1,
            "message": "AH00489: Apache/2.4.58 (Unix) configured",
        },
        "[Tue Jan 02 15:04:05.000001 2024] [:error] [pid 27] [client 10.0.0.5:53412] PHP Fatal error:  Uncaught": {
            "time": "Tue Jan 02 15:04:05.000001 2024", "level": "error", "pid": 27, "client": "10.0.0.5:53412",
            "message": "PHP Fatal error:  Uncaught",
        },
        "[Tue Jan 02 15:04:05.000001 2024] [-:warn] [pid 27] odd": {
            "time": "Tue Jan 02 15:04:05.000001 2024", "level": "warn", "pid": 27, "message": "odd",
        },
        "[Tue Jan 02 15:04:05.000001 2024] [proxy:error] [pid 9:tid 14] (111)Connection refused: AH00957: HTTP: "
        "attempt to connect to 10.0.0.7:8080 (app) failed": {
            "time": "Tue Jan 02 15:04:05.000001 2024", "module": "proxy", "level": "error", "pid": 9, "tid": 14,
            "message": "(111)Connection refused: AH00957: HTTP: attempt to connect to 10.0.0.7:8080 (app) failed",
        },
        "[Tue Jan 02 15:04:05.000001 2024] [authz_core:error] [pid 9] (13)Permission denied: [client ::1:5] AH00035": {
            "time": "Tue Jan 02 15:04:05.000001 2024", "module": "authz_core", "level": "error", "pid": 9,
            "message": "(13)Permission denied: [client ::1:5] AH00035",
        },
        "[Tue Jan 02 15:04:05.000001 2024] [ssl:trace4] [pid 9:tid 1] ssl_engine_io.c(1234): OpenSSL: write 5 bytes": {
            "time": "Tue Jan 02 15:04:05.000001 2024", "module": "ssl", "level": "trace4", "pid": 9, "tid": 1,
            "message": "ssl_engine_io.c(1234): OpenSSL: write 5 bytes",
        },
        "[Mon Jan 01 00:00:00 2024] [emerg] (98)Address already in use: make_sock: größe\nsecond line": {
            "time": "Mon Jan 01 00:00:00 2024", "level": "emerg",
            "message": "(98)Address already in use: make_sock: größe\nsecond line",
        },
        "[Mon Jan 01 00:00:00 2024] [warn]": {"time": "Mon Jan 01 00:00:00 2024", "level": "warn"},
    }  # fmt: skip
    unfit = (
        "",
        "[Mon Jan 01 00:00:00 2024]",
        "[Mon Jan 01 00:00:00 2024] [warn",
        "[Mon Jan 01 00:00 2024] [warn] no seconds",
        "[Mon Jan 01 00:00:00 2024] [pid 5] no level",
        "httpd: Syntax error on line 5 of /usr/local/apache2/conf/httpd.conf",
        "[warn] no time",
        "[Mon Jan 01 00:00:00 2024] [WARN] not its word",
    )
