"""A stream → documents of one output, delivered, with its position: `pipeline` joins the parts for one output."""
