"""Access lines of Apache: the formats of mod_log_config, and `vhost_combined` of Debian's configuration."""

from typing import ClassVar

from tests.contract.formats import Corpus, FormatContract

TIME = "10/Oct/2000:13:55:36 -0700"
GET = {"method": "GET", "path": "/apache_pb.gif", "protocol": "HTTP/1.0"}
AGENT = "Mozilla/4.08 [en] (Win98; I ;Nav)"


class TestApache2(FormatContract):
    name = "apache2"
    fits: ClassVar[Corpus] = {
        f'127.0.0.1 - frank [{TIME}] "GET /apache_pb.gif HTTP/1.0" 200 2326': {
            "host": "127.0.0.1", "user": "frank", "time": TIME, **GET, "code": 200, "size": 2326,
        },
        f'127.0.0.1 - frank [{TIME}] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://example.com/" "{AGENT}"': {
            "host": "127.0.0.1", "user": "frank", "time": TIME, **GET, "code": 200, "size": 2326,
            "referer": "http://example.com/", "agent": AGENT,
        },
        f'www.example.com:443 2001:db8::1 - - [{TIME}] "GET /apache_pb.gif HTTP/1.0" 304 - "-" "-"': {
            "vhost": "www.example.com:443", "host": "2001:db8::1", "time": TIME, **GET, "code": 304,
        },
        f'::1 - - [{TIME}] "OPTIONS * HTTP/1.0" 200 126 "-" "Apache/2.4.58 (Debian) (internal dummy connection)"': {
            "host": "::1", "time": TIME, "method": "OPTIONS", "path": "*", "protocol": "HTTP/1.0", "code": 200,
            "size": 126, "agent": "Apache/2.4.58 (Debian) (internal dummy connection)",
        },
        f'10.0.0.9 - - [{TIME}] "-" 408 - "-" "-"': {"host": "10.0.0.9", "time": TIME, "code": 408},
        f'10.0.0.9 - - [{TIME}] "\\x16\\x03\\x01" 400 226': {
            "host": "10.0.0.9", "time": TIME, "request": "\\x16\\x03\\x01", "code": 400, "size": 226,
        },
        f'10.0.0.9 - - [{TIME}] "GET /?q=\\"a\\" HTTP/1.1" 200 5 "-" "say \\"hi\\" \\\\"': {
            "host": "10.0.0.9", "time": TIME, "method": "GET", "path": '/?q=\\"a\\"', "protocol": "HTTP/1.1",
            "code": 200, "size": 5, "agent": 'say \\"hi\\" \\\\',
        },
        f'10.0.0.9 unixuser - [{TIME}] "HEAD / HTTP/1.1" 200 0': {
            "host": "10.0.0.9", "ident": "unixuser", "time": TIME, "method": "HEAD", "path": "/",
            "protocol": "HTTP/1.1", "code": 200, "size": 0,
        },
        f'client.example.com - john doe [{TIME}] "GET / HTTP/1.1" 401 381': {
            "host": "client.example.com", "user": "john doe", "time": TIME, "method": "GET", "path": "/",
            "protocol": "HTTP/1.1", "code": 401, "size": 381,
        },
        f'127.0.0.1 - "" [{TIME}] "GET / HTTP/1.1" 401 381': {
            "host": "127.0.0.1", "user": '""', "time": TIME, "method": "GET", "path": "/",
            "protocol": "HTTP/1.1", "code": 401, "size": 381,
        },
        f'10.0.0.9 - - [{TIME}] "GET / HTTP/1.1" 200 5 "-" "curl" 310 482': {
            "host": "10.0.0.9", "time": TIME, "method": "GET", "path": "/", "protocol": "HTTP/1.1", "code": 200,
            "size": 5, "agent": "curl", "message": f'10.0.0.9 - - [{TIME}] "GET / HTTP/1.1" 200 5 "-" "curl" 310 482',
        },
        f'10.0.0.9 - - [{TIME}] "GET  / HTTP/1.1" 400 5': {
            "host": "10.0.0.9", "time": TIME, "request": "GET  / HTTP/1.1", "code": 400, "size": 5,
        },
    }  # fmt: skip
    unfit = (
        "",
        "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using 172.17.0.2.",
        f'127.0.0.1 - frank [{TIME}] "GET /apache_pb.gif',
        f'127.0.0.1 - frank [{TIME}] "GET / HTTP/1.1\\" 200 5',
        f'127.0.0.1 - frank [{TIME}] "GET / HTTP/1.1" 200 -1',
        f'127.0.0.1 - frank [{TIME}] "GET / HTTP/1.1" abc 5',
        "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708] File does not exist: /favicon.ico",
    )
