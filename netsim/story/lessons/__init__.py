"""The lessons, one a file with a LESSON; how to write one stands in netsim.story.lesson. Nothing lists them by hand."""
