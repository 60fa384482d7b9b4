"""Layouts of folders as people have them: the right splits, classes and notes of each, or the refusal that says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from picturewise.data.readers.folder_listing import list_classes
from picturewise.data.readers.folders.layout import lay_out
from picturewise.errors import DataError

Build = Callable[[str], Path]


def seen(root: Path) -> tuple[dict[str, str], list[str], list[str]]:
    """Return the folder of each split, the classes, and all notes."""
    found = lay_out(root)
    assert found is not None
    listings = {split: list_classes(folder, root) for split, folder in found.folders.items()}
    folders = {split: folder.relative_to(root).as_posix() for split, folder in found.folders.items()}
    notes = [*found.notes, *(note for listing in listings.values() for note in listing.notes)]
    return folders, list(next(iter(listings.values())).classes), notes


CLEAN = [
    ("a folder per class", "{cat,dog}/#.png x3", {"train": "."}, ["cat", "dog"]),
    (
        "names of all kinds",
        "{rose,Größe (1),[x] ñ,猫}/#.png x2",
        {"train": "."},
        ["[x] ñ", "Größe (1)", "rose", "猫"],
    ),
    ("numbers", "{1,2,10,11}/#.png x2", {"train": "."}, ["1", "2", "10", "11"]),
    ("ImageNet's names", "{n01440764,n01443537}/#.JPEG x2", {"train": "."}, ["n01440764", "n01443537"]),
    ("train and test", "{train,test}/{cat,dog}/#.png x2", {"train": "train", "test": "test"}, ["cat", "dog"]),
    (
        "three splits",
        "{train,val,test}/{NORMAL,PNEUMONIA}/#.jpeg x2",
        {"train": "train", "valid": "val", "test": "test"},
        ["NORMAL", "PNEUMONIA"],
    ),
    ("capitals", "{Train,Test}/{0,1}/#.png x2", {"train": "Train", "test": "Test"}, ["0", "1"]),
    ("all capitals", "{TRAIN,TEST}/{a,b}/#.png x2", {"train": "TRAIN", "test": "TEST"}, ["a", "b"]),
    (
        "long words",
        "{Training,Validation,Testing}/{a,b}/#.png x2",
        {"train": "Training", "valid": "Validation", "test": "Testing"},
        ["a", "b"],
    ),
    ("dev", "{train,dev}/{a,b}/#.png x2", {"train": "train", "valid": "dev"}, ["a", "b"]),
    (
        "Intel's scenes",
        "{seg_train/seg_train,seg_test/seg_test}/{sea,street}/#.jpg x2",
        {"train": "seg_train/seg_train", "test": "seg_test/seg_test"},
        ["sea", "street"],
    ),
    (
        "sets",
        "{training_set,test_set}/{a,b}/#.png x2",
        {"train": "training_set", "test": "test_set"},
        ["a", "b"],
    ),
    (
        "images",
        "{train_images,test_images}/{a,b}/#.png x2",
        {"train": "train_images", "test": "test_images"},
        ["a", "b"],
    ),
    (
        "words with spaces",
        "{Train data,Test data}/{a,b}/#.png x2",
        {"train": "Train data", "test": "Test data"},
        ["a", "b"],
    ),
    (
        "numbered",
        "{01_train,02_test}/{a,b}/#.png x2",
        {"train": "01_train", "test": "02_test"},
        ["a", "b"],
    ),
    (
        "the split last",
        "{images_train,images_val}/{a,b}/#.png x2",
        {"train": "images_train", "valid": "images_val"},
        ["a", "b"],
    ),
    (
        "years",
        "{train2017,val2017}/{a,b}/#.png x2",
        {"train": "train2017", "valid": "val2017"},
        ["a", "b"],
    ),
    ("one word", "{trainset,testset}/{a,b}/#.png x2", {"train": "trainset", "test": "testset"}, ["a", "b"]),
    (
        "data",
        "{train_data,valid_data}/{a,b}/#.png x2",
        {"train": "train_data", "valid": "valid_data"},
        ["a", "b"],
    ),
    (
        "words run together",
        "{TrainImages,ValImages,TestImages}/{a,b}/#.png x2",
        {"train": "TrainImages", "valid": "ValImages", "test": "TestImages"},
        ["a", "b"],
    ),
    (
        "a name that the splits share",
        "{flowers_train,flowers_test}/{a,b}/#.png x2",
        {"train": "flowers_train", "test": "flowers_test"},
        ["a", "b"],
    ),
    ("an archive", "archive/flowers/{daisy,rose}/#.png x2", {"train": "archive/flowers"}, ["daisy", "rose"]),
    (
        "an archive with splits",
        "data/Dataset/{Train,Val}/{Fake,Real}/#.jpg x2",
        {"train": "data/Dataset/Train", "valid": "data/Dataset/Val"},
        ["Fake", "Real"],
    ),
    (
        "LFW, a folder for each person",
        "lfw/lfw/{Ann,Bob,Carl}/a_0001.jpg",
        {"train": "lfw/lfw"},
        ["Ann", "Bob", "Carl"],
    ),
    (
        "Caltech 101",
        "101_ObjectCategories/{BACKGROUND_Google,ant}/#.jpg x2",
        {"train": "101_ObjectCategories"},
        ["ant", "BACKGROUND_Google"],
    ),
    (
        "cats and dogs with texts about them",
        "PetImages/{Cat,Dog}/#.jpg x2; PetImages/Cat/Thumbs.db; readme[1].txt; MSR-LA - 3467.docx",
        {"train": "PetImages"},
        ["Cat", "Dog"],
    ),
    (
        "Roboflow's export",
        "{train,valid,test}/{a,b}/#.jpg x2; README.dataset.txt; README.roboflow.txt",
        {"train": "train", "valid": "valid", "test": "test"},
        ["a", "b"],
    ),
    (
        "litter of systems",
        "{cat,dog}/#.png x2; README.md; LICENSE; .git/config; {.,cat}/{Thumbs.db,desktop.ini,.DS_Store}; @eaDir/a.png",
        {"train": "."},
        ["cat", "dog"],
    ),
    (
        "an archive and its litter",
        "flowers/{daisy,rose}/#.png x2; __MACOSX/flowers/._0.png; .ipynb_checkpoints/0.png; vectorize.py; flowers.zip",
        {"train": "flowers"},
        ["daisy", "rose"],
    ),
    (
        "trains",
        "{freight train,steam train,tram}/#.png x2",
        {"train": "."},
        ["freight train", "steam train", "tram"],
    ),
    (
        "trains alone",
        "{freight train,steam train}/#.png x2",
        {"train": "."},
        ["freight train", "steam train"],
    ),
    ("masks worn", "{mask,no_mask}/#.png x2", {"train": "."}, ["mask", "no_mask"]),
    ("a group of classes with one name", "{class1,class2}/#.png x2", {"train": "."}, ["class1", "class2"]),
    ("no words at all", "{o,x}/#.png x2", {"train": "."}, ["o", "x"]),
]


@pytest.mark.parametrize(
    ("files", "folders", "classes"), [row[1:] for row in CLEAN], ids=[row[0] for row in CLEAN]
)
def test_a_clean_layout_gets_its_classes_and_no_note(
    build: Build, files: str, folders: dict[str, str], classes: list[str]
) -> None:
    assert seen(build(files)) == (folders, classes, [])


NOTED = [
    (
        "eval is the test split",
        "{train,eval}/{a,b}/#.png x2",
        {"train": "train", "test": "eval"},
        ["a", "b"],
        ["The folder eval was used as the test split."],
    ),
    (
        "eval beside test",
        "{train,eval,test}/{a,b}/#.png x2",
        {"train": "train", "valid": "eval", "test": "test"},
        ["a", "b"],
        ["The folder eval was used as the validation split, because there is also a test split."],
    ),
    (
        "holdout",
        "{train,val,hold_out}/{a,b}/#.png x2",
        {"train": "train", "valid": "val", "test": "hold_out"},
        ["a", "b"],
        ["The folder hold_out was used as the test split."],
    ),
    (
        "pictures to predict",
        "{seg_train,seg_test}/{a,b}/#.png x2; seg_pred/seg_pred/#.png x5",
        {"train": "seg_train", "test": "seg_test"},
        ["a", "b"],
        [
            "seg_pred/seg_pred contains 5 pictures without classes, .*: picturewise predict RUN .*set/seg_pred/seg_pred"
        ],
    ),
    (
        "plant seedlings",
        "train/{Loose Silky-bent,Maize}/#.png x2; test/#.png x4; sample_submission.csv",
        {"train": "train"},
        ["Loose Silky-bent", "Maize"],
        [
            "test contains 4 pictures without classes, so it was not used as the test split",
            "sample_submission.csv was not used, because it looks like a sample submission",
        ],
    ),
    (
        "State Farm",
        "imgs/train/{c0,c1}/#.jpg x2; imgs/test/#.jpg x4; driver_imgs_list.csv",
        {"train": "imgs/train"},
        ["c0", "c1"],
        [
            "imgs/test contains 4 pictures",
            "driver_imgs_list.csv was not used, .* --file-column and --label-column",
        ],
    ),
    (
        "ImageNet",
        "ILSVRC/Data/CLS-LOC/{train/{n0,n1},val,test}/#.JPEG x3; ILSVRC/Annotations/CLS-LOC/#.xml x2",
        {"train": "ILSVRC/Data/CLS-LOC/train"},
        ["n0", "n1"],
        [
            "val contains 3 pictures without classes, so it was not used as the validation split",
            "test contains 3 pictures without classes, so it was not used as the test split",
            "ILSVRC/Annotations was not used, because it contains annotations .*but no pictures",
        ],
    ),
    (
        "tiny ImageNet",
        "train/{n0,n1}/images/#.JPEG x2; {val,test}/images/#.JPEG x3; val/val_annotations.txt",
        {"train": "train"},
        ["n0", "n1"],
        [
            "val/images contains 3 pictures without classes.* val/val_annotations.txt may contain their classes",
            "test/images contains 3 pictures",
            "The class n0 includes the 2 pictures in train/n0/images; n1 includes .*train/n1/images\\.$",
        ],
    ),
    (
        "a folder of unknowns to test",
        "train/{a,b}/#.png x2; test/unknown/#.png x3",
        {"train": "train"},
        ["a", "b"],
        ["test/unknown contains 3 pictures without classes"],
    ),
    (
        "an empty test folder",
        "train/{a,b}/#.png x2; test/",
        {"train": "train"},
        ["a", "b"],
        ["The folder test does not contain pictures, so it was not used as the test split"],
    ),
    (
        "fruits",
        "{Training,Test}/{Apple 1,Pear}/#.png x2; test-multiple_fruits/#.jpg x4; papers/a.pdf",
        {"train": "Training", "test": "Test"},
        ["Apple 1", "Pear"],
        [
            "test-multiple_fruits contains 4 pictures without classes",
            "papers was not used, because it contains files .a.pdf. but no pictures",
        ],
    ),
    (
        "German traffic signs",
        "Train/{0,1}/#.png x2; {Test,Meta}/#.png x4; {Train,Test,Meta}.csv",
        {"train": "Train"},
        ["0", "1"],
        [
            "Test contains 4 pictures without classes",
            "Meta .4 pictures. was not used, because it seems to contain masks",
            "Meta.csv",
            "Test.csv",
            "Train.csv",
        ],
    ),
    (
        "a class called train",
        "{train,car,plane}/#.png x2",
        {"train": "."},
        ["car", "plane", "train"],
        ["The folder train was used as a class, although"],
    ),
    (
        "a class called train in splits",
        "{train,test}/{train,car,plane}/#.png x2",
        {"train": "train", "test": "test"},
        ["car", "plane", "train"],
        ["The folder train/train was used as a class"],
    ),
    (
        "masks that may belong to the others",
        "{cat,dog,masks}/#.png x2",
        {"train": "."},
        ["cat", "dog", "masks"],
        ["The folder masks was used as a class"],
    ),
    (
        "train pictures without classes",
        "{train,test}/{a,b}/#.png x2; train_more/#.png x3",
        {"train": "train", "test": "test"},
        ["a", "b"],
        ["train_more contains 3 pictures without classes, so it was not used as the train split"],
    ),
    (
        "pictures in general beside classes",
        "{cat,dog,images}/#.png x2",
        {"train": "."},
        ["cat", "dog", "images"],
        ["The folder images was used as a class"],
    ),
    (
        "masks beside class folders",
        "{images/{a,b},masks/{a,b}}/#.png x2",
        {"train": "images"},
        ["a", "b"],
        ["The folder masks .4 pictures. was not used, because it seems to contain masks"],
    ),
    (
        "Places",
        "{a/{abbey,alley},c/{castle,cave},s/ski}/#.jpg x2",
        {"train": "."},
        ["a", "c", "s"],
        [r"The class a includes the 4 pictures in a/abbey, a/alley; .* use --label-from '\(\[\^/\]\+\)/"],
    ),
    (
        "pictures on two levels",
        "{cat,dog}/#.png x3; cat/kitten/#.png x2",
        {"train": "."},
        ["cat", "dog"],
        ["The class cat also includes the 2 pictures in cat/kitten"],
    ),
    ("a list", "{cat,dog}/#.png x2; labels.csv", {"train": "."}, ["cat", "dog"], ["labels.csv was not used"]),
    (
        "an empty album",
        "{cat,dog}/#.png x2; fox/; owl/.DS_Store",
        {"train": "."},
        ["cat", "dog"],
        ["fox does not contain pictures, so it was not used as a class", "owl does not contain pictures"],
    ),
    (
        "programs and boxes beside classes",
        "{cat,dog}/#.png x2; scripts/run.py; annotations/#.xml x2",
        {"train": "."},
        ["cat", "dog"],
        [
            "annotations was not used, because it contains annotations .0.xml, 1.xml. but no pictures",
            "scripts was not used, because it contains files .*but no pictures",
        ],
    ),
    (
        "a stray picture beside splits",
        "{train,test}/{a,b}/#.png x2; a.png",
        {"train": "train", "test": "test"},
        ["a", "b"],
        ["The picture a.png is outside the class folders and was not used"],
    ),
    (
        "Stanford's dogs",
        "images/Images/{n0-a,n1-b}/#.jpg x2; annotations/Annotation/{n0-a,n1-b}/n_# x2",
        {"train": "images/Images"},
        ["n0-a", "n1-b"],
        ["annotations was not used, because it contains annotations .*but no pictures"],
    ),
    (
        "Caltech 101 with its outlines",
        "101_ObjectCategories/{ant,bass}/#.jpg x2; Annotations/{ant,bass}/#.mat x2",
        {"train": "101_ObjectCategories"},
        ["ant", "bass"],
        ["Annotations was not used, because it contains annotations .*but no pictures"],
    ),
    (
        "Food-101",
        "food-101/images/{pie,waffles}/#.jpg x2; food-101/meta/{train,test,classes}.txt; food-101/README.txt",
        {"train": "food-101/images"},
        ["pie", "waffles"],
        [
            "food-101/meta was not used, because it contains annotations .*but no pictures.*into train/<class> and test"
        ],
    ),
    (
        "textures",
        "dtd/images/{banded,dotted}/#.jpg x2; dtd/labels/train1.txt; dtd/imdb/imdb.mat",
        {"train": "dtd/images"},
        ["banded", "dotted"],
        [
            "dtd/imdb was not used, because it contains files .*but no pictures",
            "dtd/labels was not used, because it contains annotations.*move the pictures into train/<class>",
        ],
    ),
]


@pytest.mark.parametrize(
    ("files", "folders", "classes", "notes"), [row[1:] for row in NOTED], ids=[row[0] for row in NOTED]
)
def test_what_is_decided_or_left_aside_gets_a_note_that_names_it(
    build: Build, files: str, folders: dict[str, str], classes: list[str], notes: list[str]
) -> None:
    found = seen(build(files))
    assert found[:2] == (folders, classes)
    assert len(found[2]) == len(notes), found[2]
    for note, expected in zip(found[2], notes, strict=True):
        assert re.search(expected, note), note


REFUSED = [
    (
        "versions",
        "{color,grayscale,segmented}/{a,b,c}/#.png x2",
        r"contain folders with the same names \(a, b, c\).*Pass one of them, such as .*/color",
    ),
    ("versions named raw", "{raw,processed}/{a,b}/#.png x2", "contain folders with the same names"),
    (
        "a copy below",
        "{data/natural_images,natural_images}/{car,cat}/#.png x2",
        "contain folders with the same names",
    ),
    ("sizes without classes", "{images,images_resized}/#.png x2", "their names do not look like classes"),
    (
        "folds",
        "{fold1,fold2,fold3}/{a,b}/#.png x2",
        r"look like parts of one data set.*such as .*/fold1, or .* --label-from '\(\[\^/\]\+\)/\[\^/\]\+\$'",
    ),
    ("folds without classes", "{fold_1,fold_2}/#.png x2", "look like parts of one data set"),
    (
        "parts",
        "HAM10000_images_part_{1,2}/#.jpg x3; HAM10000_metadata.csv",
        r"look like parts.*pass .*/HAM10000_metadata.csv with --file-column and --label-column",
    ),
    (
        "chest X-rays",
        "images_{001,002}/images/#.png x2; Data_Entry_2017.csv",
        "their names do not look like classes.*Data_Entry_2017.csv",
    ),
    (
        "images and masks",
        "{images,masks}/#.png x5",
        r"masks seems to contain masks, boxes or labels for the pictures in images.*one class per picture",
    ),
    ("an image and its mask", "{image,mask}/#.png x5", "mask seems to contain masks"),
    (
        "YOLO",
        "images/#.png x5; labels/#.txt x5",
        "labels seems to contain masks, boxes or labels for the pictures in images",
    ),
    (
        "YOLO with splits",
        "images/{train,val}/#.png x3; labels/{train,val}/#.txt x3",
        "labels seems to contain",
    ),
    (
        "Roboflow's YOLO",
        "{train,valid}/images/#.png x3; {train,valid}/labels/#.txt x3; data.yaml",
        "train/labels seems to contain",
    ),
    (
        "VOC",
        "VOC2012/{JPEGImages/#.jpg,Annotations/#.xml,ImageSets/Main/train.txt,SegmentationClass/#.png} x3",
        "VOC2012/Annotations seems to contain",
    ),
    ("COCO", "{train2017,val2017}/#.jpg x3; annotations/instances.json", "annotations seems to contain"),
    (
        "COCO without annotations",
        "{train2017,val2017}/#.jpg x3",
        "train2017 contains pictures, but no class folders",
    ),
    ("Carvana", "{train,train_masks,test}/#.jpg x3", "train_masks seems to contain"),
    ("pairs", "{input,target}/#.png x3", "their names do not look like classes"),
    ("unpaired", "{trainA,trainB,testA,testB}/#.jpg x3", "trainA contains pictures, but no class folders"),
    (
        "masks below classes",
        "{COVID,Normal}/{images,masks}/#.png x3",
        r"same names \(images, masks\).*--label-from '\^\(\[\^/\]\+\)/'",
    ),
    (
        "splits below classes",
        "{cat,dog}/{train,test}/#.png x3",
        "move the pictures to train/<class> and test/<class>",
    ),
    (
        "split and class in one name",
        "{cats,dogs}_{train,test}/#.png x3",
        r"named after both a split and a class.*'\^\[\^/\]\*\?\(cats\|dogs\)'",
    ),
    (
        "malaria cells",
        "cells/{{P,U},cells/{P,U}}/#.png x3",
        r"cells/cells contains folders with the same names as its neighbours \(P, U\)",
    ),
    (
        "brain tumours",
        "{{yes,no},brain/{yes,no}}/#.png x3",
        "brain contains folders with the same names as its neighbours",
    ),
    (
        "splits and a copy",
        "x/{{train,test},x/{train,test}}/{a,b}/#.png x2",
        "contains both split folders and other folders: test, train, x. Keep either",
    ),
    (
        "splits and an extra folder",
        "{train/{a,b},extra}/#.png x2",
        "contains both split folders and other folders: extra, train. Keep either",
    ),
    (
        "two folders for a split",
        "{train,val,valid}/{a,b}/#.png x2",
        "contains both split folders and other folders: train, val, valid. Keep either",
    ),
    (
        "train and test beside a class",
        "{train,test,car}/#.png x2",
        r"contains test, train, which may or may not be classes like car.*--label-from '\^",
    ),
    (
        "test beside classes",
        "{cat,dog,test}/#.png x2",
        "contains test, which may or may not be a class like cat, dog",
    ),
    (
        "pictures to predict beside classes",
        "{yes,no,pred}/#.png x2",
        "contains pred, which may or may not be a class",
    ),
    (
        "cats and dogs",
        "train/{cat,dog}.#.jpg x5; test1/#.jpg x4",
        r"train contains pictures, but no class folders.*\(cat, dog\), use --label-from '\(cat\|dog\)\\\.'",
    ),
    (
        "cats and dogs twice",
        "train/train/{cat,dog}.#.jpg x5; test1/test1/#.jpg x4",
        r"--label-from '\(cat\|dog\)\\\.'",
    ),
    ("one folder", "{cat,dog}_#.jpg x5", r"--label-from '\(cat\|dog\)_'"),
    (
        "ImageNet in one folder",
        "{n01440764,n01443537}_#.JPEG x5",
        r"--label-from '\(n01440764\|n01443537\)_'",
    ),
    (
        "pets",
        "images/{a_pug,boxer,Birman,a_cat,b_cat,c_cat}_#.jpg x3; annotations/trimaps/boxer_#.png x3",
        r"--label-from '\(\[\^/\]\+\)_\[0-9\]\+",
    ),
    (
        "names that say nothing",
        "IMG_#.jpg x5",
        r"contains pictures, but no class folders. Arrange .*<class>/<picture>\.$",
    ),
    ("one class", "photos/cats/#.jpg x3", "contains only one folder of pictures, photos/cats"),
    ("one class and an empty folder", "cat/#.png x3; dog/", "contains only one folder of pictures, cat"),
    (
        "many labels",
        "{train,valid}/#.jpg x2; {train,valid}/_classes.csv",
        "if _classes.csv lists .*pass .*/train/_classes.csv with --file-column",
    ),
    (
        "labels in train, classes in test",
        "train/#.png x3; test/{a,b}/#.png x2",
        "train contains pictures, but no class folders",
    ),
]


@pytest.mark.parametrize(("files", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_only_looks_like_classes_is_refused_with_the_way_out(
    build: Build, files: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        lay_out(build(files))


@pytest.mark.parametrize(
    "files", ["notes.txt", "a/b/", "raw/train-images-idx3-ubyte; raw/train-labels-idx1-ubyte", "data/set.npz"]
)
def test_what_holds_nothing_like_pictures_in_folders_is_left_to_other_readers(
    build: Build, files: str
) -> None:
    assert lay_out(build(files)) is None


def test_class_folders_in_one_split_alone_stay_a_split_of_it(build: Build) -> None:
    assert seen(build("test/{a,b}/#.png x2"))[0] == {"test": "test"}


def test_folders_of_a_test_split_are_classes_where_one_of_them_is_known(build: Build) -> None:
    root = build("train/{daisy,rose,tulip}/#.png x2; test/roses/#.png x2; val/Rose/#.png x2")
    found = lay_out(root)
    assert found is not None
    assert list_classes(found.folders["test"], root).classes == ("roses",)
    assert list_classes(found.folders["valid"], root).classes == ("Rose",)
