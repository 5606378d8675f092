"""The pages in this folder → a site in build/docs: `script/docs` runs Sphinx on them.

A page that is in no `toctree`, a link that leads nowhere and a heading that is not there fail the build. Nothing in the
built pages asks another host. Why Sphinx: decisions/0014-sphinx-with-myst.md
"""

from importlib.metadata import version as installed

project = "Pilotfish"
release = installed("pilotfish")
extensions = ["myst_parser"]
myst_heading_anchors = 4  # links to headings in the form that repository hosts give them
nitpicky = True
smartquotes = False  # what is quoted here is often to be typed

html_theme = "furo"
html_title = f"Pilotfish {release}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = False
