"""What an application writes in a line → the members of its `log`: each module is a format and has its name."""

from collector.formats.format import Format as Format
from collector.formats.known import FORMATS as FORMATS
from collector.formats.known import kind_of as kind_of
from collector.formats.known import make as make
from collector.formats.known import unknown_option as unknown_option
