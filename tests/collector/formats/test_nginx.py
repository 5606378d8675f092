"""Lines of nginx: the formats of ngx_http_log_module, of nginx's image, of ngx_log.c."""

from typing import ClassVar

from tests.contract.formats import Corpus, FormatContract

TIME = "02/Jan/2024:15:04:05 +0000"
GET = {"method": "GET", "path": "/", "protocol": "HTTP/1.1"}


class TestNginx(FormatContract):
    name = "nginx"
    fits: ClassVar[Corpus] = {
        f'172.17.0.1 - - [{TIME}] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0"': {
            "remote": "172.17.0.1", "time": TIME, **GET, "code": 200, "size": 615, "agent": "curl/8.5.0",
        },
        f'203.0.113.7 - alice [{TIME}] "POST /api?q=a%20b HTTP/2.0" 499 0 "https://shop.example/" "Mozilla/5.0" "-"': {
            "remote": "203.0.113.7", "user": "alice", "time": TIME, "method": "POST", "path": "/api?q=a%20b",
            "protocol": "HTTP/2.0", "code": 499, "size": 0, "referer": "https://shop.example/",
            "agent": "Mozilla/5.0",
        },
        f'2001:db8::8a2e:370:7334 - - [{TIME}] "GET / HTTP/1.1" 304 0 "-" "-" "198.51.100.9, 10.0.0.1" 0.005': {
            "remote": "2001:db8::8a2e:370:7334", "time": TIME, **GET, "code": 304, "size": 0,
            "http_x_forwarded_for": "198.51.100.9, 10.0.0.1", "request_time": 0.005,
        },
        f'10.0.0.2 - - [{TIME}] "GET / HTTP/1.1" 200 5 "-" "k6" 1.250 1.248': {
            "remote": "10.0.0.2", "time": TIME, **GET, "code": 200, "size": 5, "agent": "k6", "request_time": 1.25,
            "upstream_response_time": 1.248,
        },
        f'10.0.0.2 - - [{TIME}] "GET / HTTP/1.1" 200 5 "-" "k6" "-" 0.000 -': {
            "remote": "10.0.0.2", "time": TIME, **GET, "code": 200, "size": 5, "agent": "k6", "request_time": 0.0,
        },
        f'10.0.0.2 - - [{TIME}] "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03" 400 157 "-" "-" "-"': {
            "remote": "10.0.0.2", "time": TIME, "request": "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03",
            "code": 400, "size": 157,
        },
        f'10.0.0.2 - - [{TIME}] "" 400 0 "-" "-"': {"remote": "10.0.0.2", "time": TIME, "code": 400, "size": 0},
        f'10.0.0.2 - john doe [{TIME}] "GET /a b.html HTTP/1.1" 401 179 "" "a \\x22quoted\\x22 agent"': {
            "remote": "10.0.0.2", "user": "john doe", "time": TIME, "method": "GET", "path": "/a b.html",
            "protocol": "HTTP/1.1", "code": 401, "size": 179, "agent": "a \\x22quoted\\x22 agent",
        },
        f'unix: - - [{TIME}] "PRI * HTTP/2.0" 000 0 "-" "-"': {
            "remote": "unix:", "time": TIME, "method": "PRI", "path": "*", "protocol": "HTTP/2.0", "code": 0, "size": 0,
        },
        f'10.0.0.2 - - [{TIME}] "GET /old" 200 12 "-" "-"': {
            "remote": "10.0.0.2", "time": TIME, "request": "GET /old", "code": 200, "size": 12,
        },
        f'10.0.0.2 - - [{TIME}] "GET / HTTP/1.1" 200 12': {
            "remote": "10.0.0.2", "time": TIME, **GET, "code": 200, "size": 12,
        },
        f'10.0.0.2 - - [{TIME}] "GET / HTTP/1.1" 200 12 "-" "größe 🐟" rt=0.005 up="10.0.0.9:80"': {
            "remote": "10.0.0.2", "time": TIME, **GET, "code": 200, "size": 12, "agent": "größe 🐟",
            "message": f'10.0.0.2 - - [{TIME}] "GET / HTTP/1.1" 200 12 "-" "größe 🐟" rt=0.005 up="10.0.0.9:80"',
        },
        '2024/01/02 15:04:05 [error] 29#31: *17 open() "/usr/share/nginx/html/x" failed (2: No such file or '
        'directory), client: 172.17.0.1, server: localhost, request: "GET /x HTTP/1.1", host: "localhost:8080"': {
            "time": "2024/01/02 15:04:05", "level": "error", "pid": 29, "tid": 31, "connection": 17,
            "message": 'open() "/usr/share/nginx/html/x" failed (2: No such file or directory), client: 172.17.0.1, '
            'server: localhost, request: "GET /x HTTP/1.1", host: "localhost:8080"',
        },
        "2024/01/02 15:04:05 [notice] 1#1: start worker processes": {
            "time": "2024/01/02 15:04:05", "level": "notice", "pid": 1, "tid": 1, "message": "start worker processes",
        },
        '2024/01/02 15:04:05 [emerg] 1#1: unknown directive "foo" in /etc/nginx/nginx.conf:3': {
            "time": "2024/01/02 15:04:05", "level": "emerg", "pid": 1, "tid": 1,
            "message": 'unknown directive "foo" in /etc/nginx/nginx.conf:3',
        },
    }  # fmt: skip
    unfit = (
        "",
        "/docker-entrypoint.sh: Configuration complete; ready for start up",
        f'172.17.0.1 - - [{TIME}] "GET / HTT',
        f'172.17.0.1 - - [{TIME}] "GET / HTTP/1.1" 200',
        f'172.17.0.1 - - [{TIME}] "GET / HTTP/1.1" 200 -5 "-" "-"',
        f'172.17.0.1 - - [{TIME}] "GET / HTTP/1.1" 200 1234567890123456789 "-" "-"',
        "172.17.0.1 - - [yesterday] \"GET / HTTP/1.1\" 200 5",
        '{"remote":"172.17.0.1"}',
        "2024/01/02 15:04:05 [error] main: no number of a process",
        "nginx: [emerg] host not found in upstream \"app\" in /etc/nginx/conf.d/default.conf:4",
    )  # fmt: skip
