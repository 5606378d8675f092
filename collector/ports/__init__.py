"""The seams: what a source, a shipper and a searchable store are to the rest, with what they raise.

Everything behind these protocols may be replaced; `tests/contract/` holds the laws of each.
"""

from collector.ports.preparing import Outcome as Outcome
from collector.ports.preparing import Preparable as Preparable
from collector.ports.preparing import Setup as Setup
from collector.ports.preparing import SetupFile as SetupFile
from collector.ports.preparing import SetupStep as SetupStep
from collector.ports.reading import PolledSource as PolledSource
from collector.ports.reading import Source as Source
from collector.ports.reading import Taken as Taken
from collector.ports.reading import Tap as Tap
from collector.ports.reading import Transform as Transform
from collector.ports.reading import Undecided as Undecided
from collector.ports.shipping import Finding as Finding
from collector.ports.shipping import OutputContext as OutputContext
from collector.ports.shipping import Promise as Promise
from collector.ports.shipping import Promised as Promised
from collector.ports.shipping import ReadsBack as ReadsBack
from collector.ports.shipping import RemoteSettings as RemoteSettings
from collector.ports.shipping import Shipper as Shipper
from collector.ports.shipping import ShipperSettings as ShipperSettings
from collector.ports.translating import LogPilot as LogPilot
from collector.ports.translating import Route as Route
from collector.ports.translating import Translated as Translated
from collector.ports.translating import tls_of as tls_of
from collector.search.query import PERCENTS as PERCENTS
from collector.search.query import Bucket as Bucket
from collector.search.query import Found as Found
from collector.search.query import Query as Query
from collector.search.query import Searchable as Searchable
from collector.search.query import Spread as Spread
from collector.search.query import Value as Value
