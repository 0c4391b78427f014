"""The dashboard: `python pipelines/dashboard.py`, with the options of `streamlit run`."""

import sys

from marquee.dashboard.serve import serve

if __name__ == "__main__":
    serve(sys.argv[1:])
