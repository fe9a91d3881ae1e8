"""What both GIMP hosts share: standard library only, for Python 2.7 and 3.

It is copied into GIMP's plug-in folder and must import nothing of the rest of the project.
"""
