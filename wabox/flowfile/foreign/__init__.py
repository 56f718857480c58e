"""Other people's statecharts, brought over: XState's JSON (v4 and v5) and SCXML.

::

    xstate                 XState's spellings become ours
    xml, scxml, expression a .scxml file becomes a chart's definition
    yaml                   the definition as a file that a person would write
    stubs                  an actions.py with the names that the chart needs
    bring                  all of it together: ``wabox flows import``
"""
